import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCertificates } from '#src/patch/system/trust/certificates.js';
import { declareTest, findMissingProgram } from '../fixtures/needs.js';
import { runProgram } from './support/directory-workspace.js';

/** Names whose canonical form differs from the written one: spaces, letters, types of texts, several values in one set. */
const subjects: readonly (readonly [string, ...string[]])[] = [
  ['/CN=plain'],
  ['/C=DE/O=  Many   Spaces  /CN=MiXeD CaSe'],
  ['/O=Ünï\u0130cödé/CN=\u{1f512} root', '-utf8'],
  ['/CN=two+OU=values+O=Here', '-multivalue-rdn'],
  [`/CN=${'long '.repeat(12)}`],
  ['/DC=com/DC=example/emailAddress=Root@Example.COM'],
];

declareTest(findMissingProgram('openssl'), 'the hash of a subject is that of openssl', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moby-patch-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const key = join(folder, 'key.pem');
  await runProgram(['openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key], {});
  for (const [subject, ...options] of subjects) {
    const made = await runProgram(
      ['openssl', 'req', '-x509', '-new', '-key', key, '-days', '2', '-subj', subject, ...options],
      {},
    );
    t.is(made.exitCode, 0, made.output);
    const pem = join(folder, 'made.pem');
    await runProgram(['sh', '-c', 'printf %s "$1" >"$2"', 'sh', made.output, pem], {});
    const wanted = await runProgram(['openssl', 'x509', '-noout', '-subject_hash', '-in', pem], {});
    const parsed = parseCertificates(made.output);
    t.is('fault' in parsed ? parsed.fault : parsed.certificates[0]?.hash, wanted.output.trim(), subject);
  }
});
