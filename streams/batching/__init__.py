"""Kafka batches for Faust: one message per partition and fetch instead of one per record. See README.md beside this file."""

from streams.batching.app import (
    AssignmentListener,
    BatchApp,
    BatchOptions,
    BatchSchema,
    batch_app,
    batch_topic,
    consume,
)
from streams.batching.batch import Batch, RawRecord
from streams.batching.worker import WorkerFailed, commit_now, run_worker, serve_worker

__all__ = [
    "AssignmentListener",
    "Batch",
    "BatchApp",
    "BatchOptions",
    "BatchSchema",
    "RawRecord",
    "WorkerFailed",
    "batch_app",
    "batch_topic",
    "commit_now",
    "consume",
    "run_worker",
    "serve_worker",
]
