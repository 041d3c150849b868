import { showPath } from '../format/path.js';
import type { Layout } from '../model/image/layout.js';
import { type BootResult, bootStages } from '../model/result/boot.js';
import { type Expectation, nameExpectation } from '../model/result/expectation.js';
import type { Report, StepReport, WrapperReport } from '../model/result/report.js';
import type { StockComparison } from '../model/result/stock.js';
import { renderDiff, summarizeDiff } from './diff.js';
import { renderError } from './error.js';
import { nameAround } from './name-around.js';
import { describeStock } from './proof/stock.js';
import { describePassed } from './reached.js';

const mostPackages = 6;

/** The report as a terminal shows it, then the error and every difference between the images. */
export function renderPlainText(report: Report): string {
  const lines = renderReport(report);
  if (report.error !== undefined) lines.push('', ...renderError(report.error).split('\n'));
  if (report.diff !== undefined && renderDiff(report.diff).length > 0)
    lines.push('', ...renderDiff(report.diff));
  return `${lines.join('\n')}\n`;
}

/** The lines of a report, without its error and without the differences. */
export function renderReport(report: Report): string[] {
  const { engine, mode, steps, twice, diff, warnings, manifest, stages, wrapper } = report;
  const times = Object.entries(stages).map(([stage, ms]) => `${stage} ${showSeconds(ms)}`);
  return [
    renderHead(report),
    ...renderLayouts(report),
    ...renderOverlay(report),
    ...renderRow('inside', wrapper && describeWrapper(wrapper)),
    ...(wrapper?.pcr11 ?? []).flatMap(({ phase, sha256 }, index) =>
      renderRow(index === 0 ? 'pcr 11' : '', `${sha256} ${phase}`),
    ),
    ...renderRow('engine', engine && `${engine.name}: ${engine.reason}`),
    ...renderRow('mode', mode && `${mode.name}: ${mode.reason}`),
    ...steps.flatMap(renderStep),
    ...(report.plan?.skipped ?? []).flatMap((step) => renderRow('left out', describeSkipped(step))),
    ...renderRow('twice', twice && describeTwice(twice)),
    ...renderRow('changes', diff && summarizeDiff(diff)),
    ...warnings.flatMap((warning) => renderRow('warning', warning)),
    ...renderBootOf(report),
    ...renderStock(report.stock),
    ...renderRow('manifest', manifest),
    ...renderRow('stages', times.join(', ')),
  ];
}

/** How boot loaders put it behind the image. */
function renderOverlay({ overlay, input, output, wrapper }: Report): string[] {
  if (overlay === undefined) return [];
  if (wrapper !== undefined && wrapper.kind !== 'kernel')
    return renderAddon(overlay, output ?? '', nameAround(input, wrapper.part));
  const file = wrapper === undefined ? input : nameAround(input, wrapper.part);
  const [base, more] = [file, output ?? ''].map((path) => showPath(path.slice(path.lastIndexOf('/') + 1)));
  return [
    ...renderRow(
      'overlay',
      `${overlay.size} bytes, sha256 ${overlay.sha256.slice(0, 16)}, to be loaded behind ${base}`,
    ),
    ...(wrapper === undefined
      ? renderLoaders(base, more)
      : renderRow('loaders', `it is the initrd of that kernel: QEMU: -kernel ${base} -initrd ${more}`)),
  ];
}

function renderLoaders(base = '', more = ''): string[] {
  return [
    ...renderRow('loaders', `GRUB: initrd /${base} /${more}`),
    ...renderRow('', `SYSLINUX, PXELINUX: INITRD ${base},${more}`),
    ...renderRow('', `iPXE, systemd-boot: initrd ${base} and, in a line of its own, initrd ${more}`),
    ...renderRow('', `QEMU: cat ${base} ${more} > both, -initrd both`),
  ];
}

const wrapperNames: Readonly<Record<WrapperReport['kind'], string>> = {
  iso: 'ISO',
  uki: 'UKI',
  uimage: 'uImage',
  kernel: 'kernel',
  android: 'Android boot image',
  fit: 'FIT image',
  squashfs: 'squashfs',
  erofs: 'erofs',
};

/** Where systemd's stub looks for it (systemd-stub(7)), and the only name that it takes. */
function renderAddon(
  { size, sha256 }: NonNullable<Report['overlay']>,
  output: string,
  around: string,
): string[] {
  const base = (path: string) => showPath(path.slice(path.lastIndexOf('/') + 1));
  const [written, uki] = [base(output), base(around)];
  const isNamed = output.endsWith('.addon.efi');
  const name = isNamed ? written : `${written.replace(/\.[^.]*$/, '')}.addon.efi`;
  return [
    ...renderRow('addon', `${size} bytes, sha256 ${sha256.slice(0, 16)}, to be put beside the UKI`),
    ...renderRow(
      'loaders',
      `EFI/Linux/${uki}.extra.d/${name} for the UKI EFI/Linux/${uki}, or loader/addons/${name} for all`,
    ),
    ...renderRow(
      '',
      `${isNamed ? 'keep the ending' : `rename ${written}: the stub reads only names that end in`} .addon.efi; with secure boot, sign it as the UKI is signed: sbsign`,
    ),
  ];
}

/** The file around the initrds, which the layouts describe. */
function describeWrapper({ kind, part, before, after, way }: WrapperReport): string {
  const sizes = after === undefined ? before.size : `${before.size} -> ${after.size}`;
  const digest = after === undefined ? '' : `, sha256 ${after.sha256.slice(0, 16)}`;
  return `${showPath(part)} of the ${wrapperNames[kind]} of ${sizes} bytes${digest}${way === undefined ? '' : `: ${way}`}`;
}

export function renderBoot(boot: BootResult): string[] {
  const waited = boot.waited >= 1 ? `, and ${boot.waited.toFixed(1)} s of waiting for this machine` : '';
  return [
    ...renderRow(
      'boot',
      boot.verdict === 'passed'
        ? `passed: ${describePassed(boot)} (${boot.accelerator})${waited}`
        : `REFUSED after ${boot.seconds.toFixed(1)} s (${boot.accelerator})${waited}: ${boot.reason}`,
    ),
    ...renderRow('attempts', boot.attempts > 1 ? '2: this machine failed the first' : undefined),
    ...renderStages(boot),
    ...(boot.disks ?? []).flatMap(({ device, file, format }) =>
      renderRow('disk', `${device}: ${showPath(file)} (${format}), which stays as it was`),
    ),
    ...renderAttestation(boot),
    ...boot.causes.flatMap((cause) => renderRow('likely', cause)),
    ...boot.expectations.flatMap(({ expectation, patch, met, found }) => {
      const whose = patch === undefined ? '' : `${patch}: `;
      return renderRow(
        'expected',
        `${met ? 'yes' : 'NO '} ${whose}${showExpectation(expectation)}: ${found}`,
      );
    }),
    ...boot.warnings.flatMap((warning) => renderRow('console', warning)),
    ...renderRow('console', boot.console),
  ];
}

/** The stages of the boot itself; those of expectations have their own lines. */
function renderStages({ stages, endedAt }: BootResult): string[] {
  const own = stages.filter(({ name }) => ownStages.has(name));
  const times = own.flatMap(({ name, state, seconds }) => {
    if (state === 'not reached') return [];
    if (state === 'failed' && seconds === undefined) return [`${name} NOT REACHED`];
    return [`${name} ${(seconds ?? 0).toFixed(1)} s${state === 'failed' ? ', then FAILED' : ''}`];
  });
  const ended = endedAt === undefined || ownStages.has(endedAt) ? '' : `, ended at: ${endedAt}`;
  return times.length === 0 ? [] : renderRow('reached', `${times.join(', ')}${ended}`);
}

const mostDifferences = 20;

function renderAttestation({ attestation }: BootResult): string[] {
  if (attestation === undefined) return [];
  const { paths, bytes, seconds, differences, added } = attestation;
  const left = differences.length - mostDifferences;
  const same = `${paths} paths, ${bytes} bytes of files: ${differences.length === 0 ? 'all' : `all but ${differences.length}`} as in the image`;
  return [
    ...renderRow('attested', `${same} (after ${seconds.toFixed(1)} s)`),
    ...differences
      .slice(0, mostDifferences)
      .flatMap(({ path, what, wanted, found }) =>
        renderRow(
          '',
          `${showPath(path || '.')}: ${what}: wanted ${showPath(wanted)}, found ${showPath(found)}`,
        ),
      ),
    ...(left > 0 ? renderRow('', `and ${left} more (--json has all)`) : []),
    ...(added.length > 0
      ? renderRow(
          '',
          `${added.length} more of the kernel's own: ${added.slice(0, 5).map(showPath).join(', ')}`,
        )
      : []),
  ];
}

const ownStages: ReadonlySet<string> = new Set(bootStages);

/** As the user named it. */
function showExpectation(expectation: Expectation): string {
  if ('console' in expectation) return expectation.console;
  return 'file' in expectation ? expectation.file : nameExpectation(expectation);
}

export function showSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function renderHead({ failed, durationMs, input, output }: Report): string {
  const images = output === undefined ? input : `${input} -> ${output}`;
  return `${failed ? 'FAILED' : 'done'} in ${showSeconds(durationMs)}: ${images}`;
}

function renderLayouts({ before, after }: Report): string[] {
  const same = after !== undefined && after.sha256 === before?.sha256 ? ' (the same, bit for bit)' : '';
  return [
    ...renderRow('before', before && showLayout(before)),
    ...renderRow('after', after && `${showLayout(after)}${same}`),
  ];
}

function showLayout(layout: Layout): string {
  const archives = layout.segments.filter((segment) => segment.kind === 'cpio');
  const entries = archives.reduce((sum, segment) => sum + segment.entries, 0);
  const count = layout.files?.length ?? 1;
  const files = count > 1 ? `${count} files, ` : '';
  return `${layout.size} bytes, ${files}${archives.length} ${archives.length === 1 ? 'archive' : 'archives'}, ${entries} entries, sha256 ${layout.sha256.slice(0, 16)}`;
}

/** A step that is left out, and why. */
export function describeSkipped({
  patch,
  summary,
  reason,
}: {
  readonly patch: string;
  readonly summary: string;
  readonly reason: string;
}): string {
  return `${patch}: ${summary} (${reason})`;
}

/** Where the result of a step comes from. */
export function describeCached(proven: boolean | undefined): string {
  return `cached by an earlier build${proven ? '' : ', which has not passed a boot'}`;
}

function renderStep(step: StepReport): string[] {
  const { patch, summary, changed, cached, proven, packages, notes, durationMs } = step;
  const when = cached ? describeCached(proven) : showSeconds(durationMs);
  const installed = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  const more = installed.length > mostPackages ? ', ...' : '';
  const names = installed.slice(0, mostPackages).join(', ');
  return [
    ...renderRow('step', `${patch}: ${summary}${changed ? '' : ' (already done)'}, ${when}`),
    ...(installed.length === 0 ? [] : renderRow('', `${installed.length} packages: ${names}${more}`)),
    ...notes.flatMap((note) => renderRow('', note)),
  ];
}

function renderBootOf({ boot, failed, after }: Report): string[] {
  if (boot !== undefined) return renderBoot(boot);
  return !failed && after !== undefined ? renderRow('boot', 'not booted') : [];
}

function renderStock(stock: StockComparison | undefined): string[] {
  if (stock === undefined) return [];
  const [head = '', ...lines] = describeStock(stock);
  return [...renderRow('stock', head), ...lines.flatMap((line) => renderRow('', line))];
}

function describeTwice(differences: readonly unknown[]): string {
  if (differences.length === 0) return 'a second run of the steps made the same';
  return `a second run of the steps made ${differences.length === 1 ? 'one thing' : `${differences.length} things`} differently`;
}

/** No line where there is no value. */
function renderRow(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`  ${name.padEnd(8)} ${value}`];
}
