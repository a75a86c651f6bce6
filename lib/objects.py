"""An S3-compatible store, spoken to by boto3: objects are written, read back and deleted as streams, with bounded memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from lib import settings
from lib.errors import NotConfigured

# S3 takes parts of 5 MiB or more, but for the last one.
PART_BYTES = 8 * 1024 * 1024
READ_BYTES = 1024 * 1024
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20


class Written(NamedTuple):
    """What was written: its size and SHA-256 as 64 hexadecimal digits."""

    bytes: int
    sha256: str


class Store:
    """One bucket. boto3 is imported with the first call: nothing but the retention cron pays for it."""

    def __init__(self, config: settings.Settings | None = None) -> None:
        self._settings = config or settings.current()
        self._made: Any = None

    @property
    def configured(self) -> bool:
        """Whether ARCHIVE_BUCKET is set."""
        return bool(self._settings.archive_bucket)

    @property
    def _client(self) -> Any:
        if not self.configured:
            raise NotConfigured("There are archives, but no store for them: set ARCHIVE_BUCKET.")
        if self._made is None:
            import boto3
            from botocore.config import Config

            self._made = boto3.client(
                "s3", endpoint_url=self._settings.archive_endpoint_url, region_name=self._settings.archive_region,
                aws_access_key_id=self._settings.archive_access_key_id,
                aws_secret_access_key=self._settings.archive_secret_access_key,
                config=Config(
                    connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=READ_TIMEOUT_SECONDS, retries={"total_max_attempts": 3}
                ),
            )  # fmt: skip
        return self._made

    async def _call(self, name: str, **params: Any) -> Any:
        client = await asyncio.to_thread(lambda: self._client)
        return await asyncio.to_thread(getattr(client, name), Bucket=self._settings.archive_bucket, **params)

    async def write(self, key: str, content: AsyncIterator[bytes]) -> Written:
        """Store a stream under this key, whole or not at all. Raises what boto3 raises."""
        upload: dict[str, Any] | None = None
        parts: list[dict[str, Any]] = []
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        try:
            async for chunk in content:
                digest.update(chunk)
                size += len(chunk)
                waiting += chunk
                if len(waiting) >= PART_BYTES:
                    upload = upload or await self._call("create_multipart_upload", Key=key)
                    parts.append(await self._put_part(key, upload, len(parts) + 1, bytes(waiting)))
                    waiting.clear()
            if upload is None:
                await self._call("put_object", Key=key, Body=bytes(waiting))
            else:
                if waiting:
                    parts.append(await self._put_part(key, upload, len(parts) + 1, bytes(waiting)))
                await self._call(
                    "complete_multipart_upload", Key=key, UploadId=upload["UploadId"], MultipartUpload={"Parts": parts}
                )  # fmt: skip
        except BaseException:
            if upload:
                await self._call("abort_multipart_upload", Key=key, UploadId=upload["UploadId"])
            raise
        return Written(size, digest.hexdigest())

    async def _put_part(self, key: str, upload: dict[str, Any], number: int, body: bytes) -> dict[str, Any]:
        answer = await self._call("upload_part", Key=key, UploadId=upload["UploadId"], PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    async def read(self, key: str) -> AsyncIterator[bytes]:
        """What is stored under this key, in pieces of READ_BYTES at most."""
        body = (await self._call("get_object", Key=key))["Body"]
        try:
            while piece := await asyncio.to_thread(body.read, READ_BYTES):
                yield piece
        finally:
            body.close()

    async def digest(self, key: str) -> Written:
        """What is stored under this key, as read back from there."""
        digest, size = hashlib.sha256(), 0
        async for piece in self.read(key):
            digest.update(piece)
            size += len(piece)
        return Written(size, digest.hexdigest())

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        await self._call("delete_object", Key=key)
