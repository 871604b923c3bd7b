"""The HTTP gateway: what devices send, judged record by record and written to the raw topics.

request --> body --> lines --> door --> raw topics (acknowledged by all replicas in sync) --> answer
             |                  |
          problem            accepted, duplicate, refused
"""
