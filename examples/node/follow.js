// Keeps a table of the active sessions of a factory, and prints it as one line of JSON whenever it changes.
//
//     andon admin nats-credentials integrator --json > credentials.json
//     npm ci && node follow.js credentials.json
//
// It starts from nothing (a snapshot, partition by partition), then follows the durable consumer that was made for
// integrators. A nats-server that restarts, or this program, loses nothing: the durable knows what was acknowledged,
// and every event carries the state after it.

import { readFileSync } from "node:fs";
import { decode } from "@msgpack/msgpack";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const PARTITIONS = 256;
/** The major version of the contract this program was written for. */
const MAJOR = "1";
/** How long a pull waits, in milliseconds. The server forgets whom to answer in another account after two minutes. */
const PATIENCE_MS = 5_000;
/** Pause before the next attempt after trouble, in milliseconds. */
const RETRY_MS = 500;

class Hole extends Error {}

/** The fold of the log: the newest event of every worker. */
class Table {
  seqOfWorker = new Map();
  sessionOfWorker = new Map();

  /** Takes an event in, unless a newer one of this worker is known: so it may come twice, and late. */
  apply(seq, subject, header, payload, fromSnapshot) {
    const worker = subject.split(".").at(-1);
    if (seq <= (this.seqOfWorker.get(worker) ?? 0)) return;
    const schema = header?.get("Andon-Schema") || `${MAJOR}.0`;
    if (schema.split(".")[0] !== MAJOR) {
      console.error(`${subject} is of schema ${schema}: this program reads version ${MAJOR}`);
      process.exit(1);
    }
    // Times are microseconds and fit a number until the year 2255; other integers are counts and sequences.
    const event = decode(payload);
    const session = event.state.session;
    const before = this.sessionOfWorker.get(worker);
    const same = before !== undefined && uuid(before.id) === uuid(session.id);
    // Versions count 1, 2, 3 … in a session.
    if (!fromSnapshot && event.version !== (same ? before.version + 1 : 1)) {
      throw new Hole(`${subject}: version ${event.version} after ${before?.version}`);
    }
    this.seqOfWorker.set(worker, seq);
    this.sessionOfWorker.set(worker, session);
  }

  /** The active sessions by their id. */
  rows() {
    const active = [...this.sessionOfWorker.values()].filter((session) => session.status === "active");
    const rows = active.map((session) => [
      uuid(session.id),
      {
        worker: session.names.worker,
        station: session.names.station_code,
        job: session.names.job_number,
        status: session.current_status ?? null,
        good: session.total_good,
        scrap: session.total_scrap,
        version: session.version,
      },
    ]);
    return Object.fromEntries(rows.sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}

let printed;

function show(table) {
  const line = JSON.stringify(table.rows());
  if (line !== printed) console.log(line);
  printed = line;
}

/** 16 bytes as hyphenated text. */
function uuid(bytes) {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Reads the last event of every worker, one partition at a time: more than 1024 subjects are refused. */
async function snapshot(connection, options, table) {
  const manager = await jetstreamManager(connection, { ...options, checkAPI: false });
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const subject = `andon.v1.session.${String(partition).padStart(3, "0")}.*`;
    try {
      for await (const message of await manager.direct.getLastMessagesFor("ANDON", { multi_last: [subject] })) {
        table.apply(message.seq, message.subject, message.header, message.data, true);
      }
    } catch (error) {
      // Nobody is in this partition.
      if (error.status !== 404 && error.code !== 404) throw error;
    }
  }
}

/** Applies and acknowledges what the durable has, until something is wrong. */
async function follow(connection, options, name, table) {
  const consumer = await jetstream(connection, options).consumers.get("ANDON", name);
  const messages = await consumer.consume({ max_messages: 500, expires: PATIENCE_MS });
  try {
    for await (const message of messages) {
      table.apply(message.seq, message.subject, message.headers, message.data, false);
      message.ack();
      show(table);
    }
  } finally {
    messages.stop();
  }
}

const file = process.argv[2];
if (file === undefined) {
  console.error("usage: follow.js credentials.json (see `andon admin nats-credentials integrator --json`)");
  process.exit(2);
}
const credentials = JSON.parse(readFileSync(file, "utf8"));
const connection = await connect({
  servers: credentials.url,
  user: credentials.user,
  pass: credentials.password,
  inboxPrefix: credentials.inbox_prefix,
  maxReconnectAttempts: -1,
  reconnectTimeWait: RETRY_MS,
});
const options = { apiPrefix: credentials.api_prefix };
for (;;) {
  const table = new Table();
  try {
    await snapshot(connection, options, table);
    show(table);
    await follow(connection, options, credentials.consumer, table);
  } catch (error) {
    // The table that is shown stays; the new one is built from the log as it is by then.
    console.error(`starting over: ${error}`);
  }
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}
