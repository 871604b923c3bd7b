"""Where the results go in ClickHouse: rows and batches are pure, `driver` alone knows the client library."""
