"""moto's S3 from PyPI: XML, objects of bytes, ranges, conditions and multipart uploads."""

from __future__ import annotations

from flask import Flask

from tests.foreign.cases import Application, Instrument, case, get, post, upload


def signed(service: str) -> list[tuple[str, str]]:
    """Return the header by which moto knows caller and service; no signature is compared."""
    scope = f"key/20261129/us-east-1/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    return [("Authorization", text)]


def create(instrument: Instrument) -> Flask:
    from moto.server import create_backend_app

    return instrument(create_backend_app("s3"))


# Each answer of S3 has ids, and a listing has the time of each object.
RANDOM = {
    "request id": r"x-amz-request-id: ([^\r]+)",
    "request id of the server": r"x-amzn-requestid: ([^\r]+)",
    "request id in XML": r"<RequestID>([^<]+)</RequestID>",
    "last modified": r"Last-Modified: ([^\r]+)",
    "last modified in XML": r"<LastModified>([^<]+)</LastModified>",
    "created": r"<CreationDate>([^<]+)</CreationDate>",
    # An id of an upload has more or fewer characters.
    "length": r"Content-Length: (\d+)\r\n.*<UploadId>",
}
PARTS = (
    b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
    b"<ETag>d41d8cd98f00b204e9800998ecf8427e</ETag></Part></CompleteMultipartUpload>"
)

S3 = signed("s3")
CASES = [
    get("no-buckets", "/", random=RANDOM, headers=S3),
    case("create-bucket", "PUT", "/shop", random=RANDOM, headers=S3),
    case("create-bucket-again", "PUT", "/shop", random=RANDOM, headers=S3),
    case("bucket-of-bad-name", "PUT", "/x", status=400, random=RANDOM, headers=S3),
    get("buckets", "/", random=RANDOM, headers=S3),
    case(
        "put-object",
        "PUT",
        "/shop/a/b.txt",
        b"hello " * 1000,
        random=RANDOM,
        headers=[*S3, ("Content-Type", "text/plain"), ("x-amz-meta-own", "1")],
    ),
    case("put-empty", "PUT", "/shop/empty", b"", random=RANDOM, headers=S3),
    case("put-2-mb", "PUT", "/shop/large.bin", b"l" * 2_000_000, random=RANDOM, headers=S3),
    case("put-unicode", "PUT", "/shop/%E4%BD%A0%20%26.txt", b"x", random=RANDOM, headers=S3),
    get("object", "/shop/a/b.txt", random=RANDOM, headers=S3),
    case("head-object", "HEAD", "/shop/a/b.txt", random=RANDOM, headers=S3),
    get("large-object", "/shop/large.bin", random=RANDOM, headers=S3),
    get(
        "range",
        "/shop/a/b.txt",
        status=206,
        headers=[*S3, ("Range", "bytes=6-10")],
        random=RANDOM,
    ),
    get(
        "range-beyond",
        "/shop/a/b.txt",
        status=416,
        headers=[*S3, ("Range", "bytes=99999-")],
        random=RANDOM,
    ),
    get(
        "etag-matches",
        "/shop/empty",
        status=304,
        headers=[*S3, ("If-None-Match", '"d41d8cd98f00b204e9800998ecf8427e"')],
        random=RANDOM,
    ),
    get("unicode", "/shop/%E4%BD%A0%20%26.txt", random=RANDOM, headers=S3),
    get("missing-object", "/shop/none", status=404, random=RANDOM, headers=S3),
    case("head-missing-object", "HEAD", "/shop/none", status=404, random=RANDOM, headers=S3),
    get("missing-bucket", "/none/none", status=404, random=RANDOM, headers=S3),
    get("list", "/shop?list-type=2&prefix=a/", random=RANDOM, headers=S3),
    get("list-with-delimiter", "/shop?delimiter=/", random=RANDOM, headers=S3),
    case(
        "tags",
        "PUT",
        "/shop/empty?tagging",
        b"<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>",
        random=RANDOM,
        headers=S3,
    ),
    get("read-tags", "/shop/empty?tagging", random=RANDOM, headers=S3),
    case(
        "copy",
        "PUT",
        "/shop/copy",
        random=RANDOM,
        headers=[*S3, ("x-amz-copy-source", "/shop/a/b.txt")],
    ),
    case(
        "begin-multipart",
        "POST",
        "/shop/parts?uploads",
        random={**RANDOM, "upload": r"<UploadId>([^<]+)</UploadId>"},
        headers=S3,
    ),
    case(
        "part",
        "PUT",
        "/shop/parts?partNumber=1&uploadId={{upload}}",
        b"",
        random=RANDOM,
        headers=S3,
    ),
    post(
        "complete-multipart",
        "/shop/parts?uploadId={{upload}}",
        PARTS,
        "text/xml",
        random=RANDOM,
        headers=S3,
    ),
    upload(
        "form-upload",
        "/shop",
        {"key": b"from-form", "file": ("f.txt", b"content")},
        status=204,
        random=RANDOM,
        headers=S3,
    ),
    case(
        "cors-preflight",
        "OPTIONS",
        "/shop/empty",
        headers=[*S3, ("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")],
        random=RANDOM,
    ),
    case("delete", "DELETE", "/shop/copy", status=204, random=RANDOM, headers=S3),
    case("delete-bucket-with-objects", "DELETE", "/shop", status=409, random=RANDOM, headers=S3),
    case("custom-method", "PROPFIND", "/shop", status=405),
]

APPLICATION = Application(create, CASES, keeps_state=True)
