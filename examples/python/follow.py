"""Keeps a table of the active sessions of a factory, and prints it as one line of JSON whenever it changes.

    andon admin nats-credentials integrator --json > credentials.json
    python follow.py credentials.json

It starts from nothing (a snapshot, partition by partition), then follows the durable consumer that was made for
integrators. A nats-server that restarts, or this program, loses nothing: the durable knows what was acknowledged, and
every event carries the state after it.
"""

import asyncio
import json
import sys
import uuid

import msgpack
import nats
import nats.errors
import nats.js.errors

PARTITIONS = 256
# The major version of the contract this program was written for.
MAJOR = "1"
# How long one request may take, in seconds.
WITHIN = 5.0
# Events asked for at once, and how long a pull waits for the first, in seconds. The server forgets whom to answer in
# another account after two minutes, so never wait that long.
BATCH = 500
PATIENCE = 5.0
# Pause before the next attempt after trouble, in seconds.
RETRY = 0.5


class Hole(Exception):
    """An event is missing: the table is built anew from a snapshot."""


class Table:
    """The fold of the log: the newest event of every worker."""

    def __init__(self):
        self.seq_of_worker = {}
        self.session_of_worker = {}
        self.printed = None

    def apply(self, seq, subject, headers, payload, from_snapshot):
        """Takes an event in, unless a newer one of this worker is known: so it may come twice, and late."""
        worker = subject.rsplit(".", 1)[1]
        if seq <= self.seq_of_worker.get(worker, 0):
            return
        if headers and headers.get("Andon-Schema", MAJOR + ".0").split(".")[0] != MAJOR:
            sys.exit(f"{subject} is of schema {headers['Andon-Schema']}: this program reads version {MAJOR}")
        event = msgpack.unpackb(payload)
        session = event["state"]["session"]
        before = self.session_of_worker.get(worker)
        same = before is not None and before["id"] == session["id"]
        # Versions count 1, 2, 3 … in a session.
        if not from_snapshot and event["version"] != (before["version"] + 1 if same else 1):
            raise Hole(f"{subject}: version {event['version']} after {before and before['version']}")
        self.seq_of_worker[worker] = seq
        self.session_of_worker[worker] = session

    def rows(self):
        """The active sessions by their id."""
        active = (session for session in self.session_of_worker.values() if session["status"] == "active")
        return {
            str(uuid.UUID(bytes=session["id"])): {
                "worker": session["names"]["worker"],
                "station": session["names"]["station_code"],
                "job": session["names"]["job_number"],
                "status": session.get("current_status"),
                "good": session["total_good"],
                "scrap": session["total_scrap"],
                "version": session["version"],
            }
            for session in active
        }

    def show(self):
        """Prints the table if it is another than the one printed last."""
        rows = self.rows()
        if rows != self.printed:
            print(json.dumps(rows, sort_keys=True, ensure_ascii=False), flush=True)
            self.printed = rows


async def snapshot(connection, api, table):
    """Reads the last event of every worker, one partition at a time: more than 1024 subjects are refused."""
    inbox = connection.new_inbox()
    answers = await connection.subscribe(inbox)
    try:
        for partition in range(PARTITIONS):
            body = json.dumps({"multi_last": [f"andon.v1.session.{partition:03}.*"]})
            await connection.publish(f"{api}.DIRECT.GET.ANDON", body.encode(), reply=inbox)
            while True:
                answer = await answers.next_msg(timeout=WITHIN)
                status = answer.headers.get("Status")
                if status in ("204", "404"):  # the end of the batch; nobody in this partition
                    break
                if status is not None:
                    raise nats.errors.Error(f"partition {partition:03}: {answer.headers}")
                subject, seq = answer.headers["Nats-Subject"], int(answer.headers["Nats-Sequence"])
                table.apply(seq, subject, answer.headers, answer.data, from_snapshot=True)
    finally:
        await answers.unsubscribe()


async def follow(connection, credentials, table):
    """Applies and acknowledges what the durable has, for ever."""
    jetstream = connection.jetstream(prefix=credentials["api_prefix"])
    inbox_prefix = f"{credentials['inbox_prefix']}.".encode()
    durable = await jetstream.pull_subscribe_bind(
        consumer=credentials["consumer"], stream="ANDON", inbox_prefix=inbox_prefix
    )
    try:
        while True:
            try:
                messages = await durable.fetch(BATCH, timeout=PATIENCE)
            except (nats.errors.TimeoutError, asyncio.TimeoutError):
                continue
            for message in messages:
                seq = message.metadata.sequence.stream
                table.apply(seq, message.subject, message.headers, message.data, from_snapshot=False)
                await message.ack()
            table.show()
    finally:
        await durable.unsubscribe()


async def main(credentials):
    """Snapshot, then follow; after any trouble again."""

    async def complain(error):
        print(f"nats: {error!r}", file=sys.stderr)

    connection = await nats.connect(
        credentials["url"],
        user=credentials["user"],
        password=credentials["password"],
        inbox_prefix=credentials["inbox_prefix"],
        max_reconnect_attempts=-1,
        reconnect_time_wait=RETRY,
        error_cb=complain,
    )
    while True:
        table = Table()
        try:
            await snapshot(connection, credentials["api_prefix"], table)
            table.show()
            await follow(connection, credentials, table)
        except (Hole, nats.errors.Error, nats.js.errors.Error) as error:
            # The table that is shown stays; the new one is built from the log as it is by then.
            print(f"starting over: {error!r}", file=sys.stderr)
            await asyncio.sleep(RETRY)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: follow.py credentials.json (see `andon admin nats-credentials integrator --json`)")
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    try:
        asyncio.run(main(told))
    except KeyboardInterrupt:
        pass
