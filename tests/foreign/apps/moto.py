"""moto's server from PyPI: the APIs of AWS, a Flask application for each, made when called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.foreign.apps import moto_s3
from tests.foreign.apps.moto_s3 import signed
from tests.foreign.cases import Application, Case, Instrument, form, get, post

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def create(instrument: Instrument) -> WSGIApplication:
    from moto.server import DomainDispatcherApplication, create_backend_app

    application: WSGIApplication = DomainDispatcherApplication(
        lambda service: instrument(create_backend_app(service))
    )
    return application


def dynamodb(name: str, action: str, body: str, status: int = 200) -> Case:
    """Return a call of DynamoDB."""
    return post(
        f"dynamodb-{name}",
        "/",
        body.encode(),
        "application/x-amz-json-1.0",
        status=status,
        headers=[*signed("dynamodb"), ("X-Amz-Target", f"DynamoDB_20120810.{action}")],
        random={
            "request id": r"x-amzn-requestid: ([^\r]+)",
            "checksum": r"x-amz-crc32: (\d+)",
            "created": r'"CreationDateTime": ?([0-9.]+)',
            "table id": r'"TableId": ?"([^"]+)"',
            # The time of the creation has more or fewer digits.
            "length": r"Content-Length: (\d+)\r\n.*CreationDateTime",
        },
    )


def query(name: str, service: str, fields: str, status: int = 200) -> Case:
    """Return a call of a service that takes forms and answers with XML."""
    return form(
        f"{service}-{name}",
        "/",
        fields,
        status=status,
        headers=signed(service),
        random={
            "request id": r"x-amzn-requestid: ([^\r]+)",
            "request id in XML": r"<RequestId>([^<]+)</RequestId>",
            "message": r"<MessageId>([^<]+)</MessageId>",
            "role": r"<RoleId>([^<]+)</RoleId>",
            "created": r"<CreateDate>([^<]+)</CreateDate>",
        },
    )


TABLE = (
    '{"TableName": "t", "BillingMode": "PAY_PER_REQUEST",'
    ' "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],'
    ' "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}'
)
ROLE = "Version=2010-05-08&Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D"
APPLICATION = Application(
    create,
    [
        *moto_s3.CASES,
        dynamodb("create-table", "CreateTable", TABLE),
        dynamodb("create-table-again", "CreateTable", TABLE, 400),
        dynamodb("put-item", "PutItem", '{"TableName": "t", "Item": {"k": {"S": "1"}}}'),
        dynamodb("get-item", "GetItem", '{"TableName": "t", "Key": {"k": {"S": "1"}}}'),
        dynamodb("missing-table", "GetItem", '{"TableName": "u", "Key": {"k": {"S": "1"}}}', 400),
        dynamodb("scan", "Scan", '{"TableName": "t"}'),
        query("identity", "sts", "Version=2011-06-15&Action=GetCallerIdentity"),
        query("create-role", "iam", ROLE),
        query("create-role-again", "iam", ROLE, 409),
        query("unknown-action", "sns", "Version=2010-03-31&Action=Nothing", 500),
        query("create-topic", "sns", "Version=2010-03-31&Action=CreateTopic&Name=topic"),
        get("dashboard", "/moto-api/"),
        get("dashboard-fails", "/moto-api/seed", status=500),
        get("missing-in-the-dashboard", "/moto-api/none", status=404),
    ],
    keeps_state=True,
    has_several=True,
)
