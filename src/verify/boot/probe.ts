import { quoteWord, readScript, setVariables } from '../../io/script.js';
import { MobyPatchError } from '../../model/error.js';
import type { Expectation } from '../../model/patch.js';
import { markerWord } from './marker.js';

/** A shell variable holds a content; probe-functions.sh reads one byte more. */
const longestContent = 32 * 1024;
/** The checks travel in one environment variable, and the kernel limits one to 128 KiB (MAX_ARG_STRLEN). */
const longestChecks = 100 * 1024;

/** The OpenRC service that reports the end of the default runlevel. */
export function createService(nonce: string, expects: readonly Expectation[]): string {
  return setVariables(read('service'), createVariables(nonce, expects));
}

/** The first program that starts a watcher and becomes the image's own, `init`. */
export function createWrapper(nonce: string, expects: readonly Expectation[], init: string): string {
  const variables = createVariables(nonce, expects);
  if (Buffer.byteLength(variables.probe_checks) > longestChecks)
    throw new MobyPatchError(
      'invalid',
      'expectations-too-long',
      'the expected contents are more than 100 KiB in all',
      { hint: 'expect parts of them on the console instead' },
    );
  return setVariables(read('init'), { ...variables, probe_watcher: read('watcher'), probe_init: init });
}

function createVariables(nonce: string, expects: readonly Expectation[]) {
  return {
    probe_marker: `${markerWord} ${nonce}`,
    probe_functions: read('functions'),
    probe_checks: expects.flatMap(createCheck).join(' '),
  };
}

/** Four words for `report` of probe-functions.sh. */
function createCheck(expectation: Expectation, index: number): string[] {
  if ('console' in expectation) return [];
  const { file, content } = expectation;
  if (content !== undefined && (content.includes('\0') || Buffer.byteLength(content) > longestContent))
    throw new MobyPatchError(
      'invalid',
      'expectation-content',
      `the expected content of ${file} is binary or longer than 32 KiB`,
      { path: file, hint: 'expect that the file exists, and its effect on the console' },
    );
  const check = content === undefined ? 'exists' : 'contains';
  const path = quoteWord(`/${file.replace(/^\/+/, '')}`);
  return [check, String(index), path, quoteWord(content ?? '')];
}

function read(name: 'functions' | 'init' | 'service' | 'watcher'): string {
  return readScript(new URL(`./probe-${name}.sh`, import.meta.url));
}
