import { createHash, X509Certificate } from 'node:crypto';
import { findSubject } from './der.js';

export interface Certificate {
  /** With a line break at its end. */
  readonly pem: string;
  /** In one line. */
  readonly subject: string;
  readonly isAuthority: boolean;
  readonly end: Date;
  /** Eight hex digits: `openssl x509 -subject_hash`. */
  readonly hash: string;
}

const block =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** The certificates of a text; what stands between them is left out, as OpenSSL does. */
export function parseCertificates(
  text: string,
): { readonly certificates: readonly Certificate[] } | { readonly fault: string } {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return {
      fault: 'found a private key, wanted certificates alone: everybody who has the image could use it',
    };
  const blocks = text.match(block) ?? [];
  if (blocks.length === 0) return { fault: `found no certificate, wanted PEM: -----BEGIN CERTIFICATE-----` };
  const begun = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g)?.length ?? 0;
  if (begun !== blocks.length)
    return {
      fault: `found ${begun} certificates that begin and ${blocks.length} that end, wanted whole ones`,
    };
  try {
    return { certificates: blocks.map(parseCertificate) };
  } catch {
    return { fault: 'found a damaged certificate, wanted PEM as its issuer wrote it' };
  }
}

function parseCertificate(pem: string): Certificate {
  const certificate = new X509Certificate(pem);
  return {
    pem: certificate.toString().replace(/\n*$/, '\n'),
    subject: certificate.subject.replaceAll('\n', ', '),
    isAuthority: certificate.ca,
    end: new Date(certificate.validTo),
    hash: hashSubject(certificate.raw),
  };
}

/** X509_NAME_hash of OpenSSL: the first four bytes of a SHA-1, the last of them first. */
function hashSubject(der: Buffer): string {
  const digest = createHash('sha1').update(findSubject(der)).digest();
  return digest.readUInt32LE(0).toString(16).padStart(8, '0');
}
