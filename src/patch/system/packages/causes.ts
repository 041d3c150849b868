import type { Cause } from './manager.js';

const loopback = /\b(?:https?:\/\/|from )(?:localhost|127\.[\d.]+|\[::1\])(?=[:/\s])/;

export const unreachable: Cause = {
  sign: /temporary failure resolving|could not resolve|could not connect|temporary error|network (?:is )?unreachable|connection (?:refused|timed out)|operation timed out|dns lookup error|not found.*ignoring|ignoring https?:/i,
  hint: (_, place, output) =>
    loopback.test(output)
      ? `a step does not reach the loopback of this machine: serve the packages at another of its addresses, and put that into ${place} with a "file" step before this one`
      : `the packages come from the addresses in ${place} of the image; put reachable ones there with a "file" step before this one`,
};

export const full: Cause = {
  sign: /no space left on device/i,
  hint: () => 'free some space where moby-patch has its temporary files, or set TMPDIR',
};

export const noCertificate: Cause = {
  sign: /certificate verif(?:y failed|ication failed)/i,
  hint: () =>
    'the image does not trust the certificate of the repository: a "certificate" step before this one adds the one that signed it; or the clock of this machine is wrong',
};
