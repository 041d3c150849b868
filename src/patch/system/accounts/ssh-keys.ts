/** Types of public keys (OpenSSH's sshd(8)), and how many fields the blob of each has behind its type. */
const types: ReadonlyMap<string, number> = new Map([
  ['ssh-ed25519', 1],
  ['ssh-rsa', 2],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
  ['sk-ssh-ed25519@openssh.com', 2],
  ['sk-ecdsa-sha2-nistp256@openssh.com', 3],
]);

interface KeyWords {
  readonly type: string;
  readonly blob: string;
}

/** The type and the blob of a line of authorized_keys, behind its options; undefined for any other line. */
function parseKey(line: string): KeyWords | undefined {
  const words = line.trim().match(/(?:"(?:\\"|[^"])*"|[^\s"])+/g) ?? [];
  const at = words.findIndex((word) => types.has(word));
  const [type, blob] = [words[at], words[at + 1]];
  return at < 0 || at > 1 || type === undefined || blob === undefined ? undefined : { type, blob };
}

/** What two lines with the same key have in common; undefined for a line without a key. */
export function nameKey(line: string): string | undefined {
  const key = parseKey(line);
  return key === undefined ? undefined : `${key.type} ${key.blob}`;
}

/** What is wrong with a public key; undefined for a good one. */
export function explainKey(line: string): string | undefined {
  if (/PRIVATE KEY/.test(line)) return 'found a private key, wanted the public one (the .pub file)';
  const key = parseKey(line);
  if (key === undefined)
    return `found ${JSON.stringify(shorten(line))}, wanted a public key: TYPE BASE64 COMMENT with one of the types ${[...types.keys()].join(', ')}`;
  const bytes = Buffer.from(key.blob, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== key.blob.replace(/=+$/, ''))
    return `found the key ${shorten(key.blob)}, wanted base64`;
  const fields = readFields(bytes);
  const inner = fields?.[0]?.toString('latin1');
  if (inner !== undefined && inner !== key.type)
    return `found a key of type ${JSON.stringify(shorten(inner))} behind the word ${key.type}, wanted the same`;
  if (fields?.length !== (types.get(key.type) ?? 0) + 1)
    return `found a ${key.type} key that is cut off or damaged (${bytes.length} bytes), wanted the whole line of the .pub file`;
  return undefined;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** The fields of a blob, each with its length of four bytes in front (RFC 4251); undefined when they do not fill it. */
function readFields(bytes: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}
