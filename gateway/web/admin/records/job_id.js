// The id of a job: UUID version 5 of its number. Browsers hash in secure contexts only, and a shop floor often has
// none, so SHA-1 is here; it names things and protects nothing.

/** The name space of job numbers; the same constant stands in the schemas. */
const JOB_NAMESPACE = '6f0f4c1e-8d0b-5a47-9a53-3f1f8f6f0a02';
const BLOCK_BYTES = 64;
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];

const rotate = (word, bits) => ((word << bits) | (word >>> (32 - bits))) >>> 0;

/** A whole number of blocks: the message, a one, zeros, and its length in bits. */
function padded(bytes) {
  const whole = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  new DataView(whole.buffer).setUint32(whole.length - 4, bytes.length * 8);
  return whole;
}

function mix(round, b, c, d) {
  if (round < 20) return [((b & c) | (~b & d)) >>> 0, 0x5a827999];
  if (round < 40) return [(b ^ c ^ d) >>> 0, 0x6ed9eba1];
  if (round < 60) return [((b & c) | (b & d) | (c & d)) >>> 0, 0x8f1bbcdc];
  return [(b ^ c ^ d) >>> 0, 0xca62c1d6];
}

function schedule(view, offset) {
  const words = Array.from({ length: 16 }, (_, index) => view.getUint32(offset + index * 4));
  for (let index = 16; index < 80; index += 1) {
    words.push(rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1));
  }
  return words;
}

/** SHA-1 as 20 bytes. */
function sha1(bytes) {
  const whole = padded(bytes);
  const view = new DataView(whole.buffer);
  const hash = [...START];
  for (let offset = 0; offset < whole.length; offset += BLOCK_BYTES) {
    let [a, b, c, d, e] = hash;
    schedule(view, offset).forEach((word, round) => {
      const [value, constant] = mix(round, b, c, d);
      const next = (rotate(a, 5) + value + e + constant + word) >>> 0;
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    });
    [a, b, c, d, e].forEach((word, index) => {
      hash[index] = (hash[index] + word) >>> 0;
    });
  }
  const out = new Uint8Array(20);
  hash.forEach((word, index) => new DataView(out.buffer).setUint32(index * 4, word));
  return out;
}

function bytesOf(uuid) {
  return Uint8Array.from(uuid.replaceAll('-', '').match(/../g), (hex) => Number.parseInt(hex, 16));
}

/** A job number in its normal form: trimmed, and composed, so that what looks the same is the same job. */
export const normalNumber = (text) => text.trim().normalize('NFC');

/** The id of the job with this number. */
export function jobId(number) {
  const name = new TextEncoder().encode(normalNumber(number));
  const digest = sha1(new Uint8Array([...bytesOf(JOB_NAMESPACE), ...name])).slice(0, 16);
  digest[6] = (digest[6] & 0x0f) | 0x50;
  digest[8] = (digest[8] & 0x3f) | 0x80;
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
