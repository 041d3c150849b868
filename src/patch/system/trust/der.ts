// As much of DER (X.690) as the subject of a certificate needs.

interface Value {
  readonly tag: number;
  readonly body: Buffer;
  /** Tag and length included. */
  readonly whole: Buffer;
}

function readValues(bytes: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const first = bytes.readUInt8(at + 1);
    const digits = first < 0x80 ? 0 : first & 0x7f;
    const size = digits === 0 ? first : bytes.readUIntBE(at + 2, digits);
    const start = at + 2 + digits;
    if (start + size > bytes.length) throw new RangeError('a value that is cut off');
    values.push({ tag, body: bytes.subarray(start, start + size), whole: bytes.subarray(at, start + size) });
    at = start + size;
  }
  return values;
}

function encode(tag: number, body: Buffer): Buffer {
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
}

const sequence = 0x30;
const set = 0x31;
const utf8String = 0x0c;
const explicitVersion = 0xa0;

/**
 * The subject of a certificate in the form of which OpenSSL takes the hash (x509_name_canon of crypto/x509/x_name.c): its
 * sets one behind the other, each text as UTF-8, in lower case, with single spaces.
 */
export function findSubject(der: Buffer): Buffer {
  const [certificate] = readValues(der);
  const [toBeSigned] = readValues(certificate?.body ?? Buffer.alloc(0));
  const fields = readValues(toBeSigned?.body ?? Buffer.alloc(0));
  // version?, serial, algorithm, issuer, validity, subject
  const subject = fields[fields[0]?.tag === explicitVersion ? 5 : 4];
  return Buffer.concat(readValues(subject?.body ?? Buffer.alloc(0)).map(canonizeSet));
}

function canonizeSet({ body }: Value): Buffer {
  const members = readValues(body).map((member) => {
    const [type, value] = readValues(member.body);
    return encode(
      sequence,
      Buffer.concat([type, value].map((each) => each && canonize(each)).filter((each) => each !== undefined)),
    );
  });
  return encode(set, Buffer.concat(members.sort(Buffer.compare)));
}

/** Other types stay as they are. */
const decoders: Readonly<Record<number, (body: Buffer) => string>> = {
  [utf8String]: (body) => body.toString('utf8'),
  19: (body) => body.toString('latin1'),
  20: (body) => body.toString('latin1'),
  22: (body) => body.toString('latin1'),
  26: (body) => body.toString('latin1'),
  28: (body) => {
    const points = Array.from({ length: body.length / 4 }, (_, at) => body.readUInt32BE(at * 4));
    return String.fromCodePoint(...points);
  },
  30: (body) => Buffer.from(body).swap16().toString('utf16le'),
};

function canonize({ tag, body, whole }: Value): Buffer {
  const decode = decoders[tag];
  if (decode === undefined) return whole;
  const text = decode(body)
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/^ | $/g, '');
  // Only letters of ASCII have a lower case there.
  return encode(utf8String, Buffer.from(text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())));
}
