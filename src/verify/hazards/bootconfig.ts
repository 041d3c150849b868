import { longestBootconfig, parseBootconfig } from '../../format/bootconfig/bootconfig-parser.js';
import { lineOfBootconfig } from '../../format/bootconfig/bootconfig-text.js';
import type { Archive } from '../../model/image/archive.js';
import type { Hazard } from '../../model/result/hazard.js';
import type { HazardOptions } from './facts.js';

/** Why a kernel boots without the boot configuration of an image, or without all that is in it. */
export function findBootconfigHazards(
  { bootconfig }: Pick<Archive, 'bootconfig'>,
  { kernelConfig }: HazardOptions = {},
): Hazard[] {
  if (bootconfig === undefined) return [];
  const create = (code: string, message: string, hint: string): Hazard[] => [
    { code, severity: 'warning', path: 'bootconfig', message, hint },
  ];
  if (kernelConfig !== undefined && kernelConfig.get('CONFIG_BOOT_CONFIG') !== 'y')
    return create(
      'bootconfig-not-in-kernel',
      'the kernel was built without CONFIG_BOOT_CONFIG: it drops the boot configuration',
      'boot another kernel, or give its keys on the command line',
    );
  if (bootconfig.length > longestBootconfig)
    return create(
      'bootconfig-too-large',
      `found ${bootconfig.length} bytes, wanted at most ${longestBootconfig}: a kernel says "bootconfig size greater than max size"`,
      'take keys out of it: a step "bootconfig" with "remove"',
    );
  const parsed = parseBootconfig(bootconfig);
  if (!('problem' in parsed)) return [];
  return create(
    'bootconfig-unreadable',
    `line ${lineOfBootconfig(bootconfig, parsed.at)}: ${parsed.problem}; a kernel says "Failed to parse bootconfig" and boots without it`,
    'write it anew: a step "bootconfig" with "from"',
  );
}
