"""Stands in for a function: says what it was told, and tries in its role what it is asked to."""

import functools
import json
import os
import urllib.request

import botocore.config
import botocore.exceptions
import botocore.session

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
TABLE = os.environ["SLIPWAY_TABLE"]


SESSION = botocore.session.get_session()


@functools.cache
def client(service):
    config = botocore.config.Config(retries={"max_attempts": 1})
    return SESSION.create_client(service, config=config)


def attempt(service, operation, parameters):
    """The code of the error, if there is one: a refusal is told from every other failure."""
    try:
        getattr(client(service), operation)(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def handle(event, request):
    if event.get("fail"):
        raise RuntimeError("as it was asked to")
    if "try" in event:
        return [attempt(*call) for call in event["try"]]
    if "tell" in event:
        return dict(os.environ)
    # An event or a batch: remembered, so that one can see that it came.
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    item = {"pk": {"S": f"seen#{name}"}, "sk": {"S": request}, "record": {"S": json.dumps(event)}}
    client("dynamodb").put_item(TableName=TABLE, Item=item)
    return {"batchItemFailures": []}


def post(path, value):
    body = json.dumps(value).encode()
    urllib.request.urlopen(urllib.request.Request(f"{API}/{path}", data=body, method="POST")).read()


while True:
    with urllib.request.urlopen(f"{API}/next") as invocation:
        request = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(invocation)
    try:
        post(f"{request}/response", handle(event, request))
    except Exception as error:
        post(f"{request}/error", {"errorType": type(error).__name__, "errorMessage": str(error)})
