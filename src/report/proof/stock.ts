import type { StockComparison } from '../../model/result/stock.js';
import { describePassed } from '../reached.js';

export const unsettledPrograms = 'not compared: they still came and went when a boot ended';

/** Lines for people: the verdict on the stock image, then what is different. */
export function describeStock({
  stock,
  stages,
  services,
  unsettled,
  memory,
  errors,
}: StockComparison): string[] {
  const verdict =
    stock.verdict === 'passed' ? `passed: ${describePassed(stock)}` : `REFUSED: ${stock.reason}`;
  const times = stages.map(
    ({ name, stock, patched }) => `${name} ${showDifference(stock, patched, { digits: 1, unit: ' s' })}`,
  );
  const used = memory && {
    stock: memory.stock / 1024,
    patched: memory.patched / 1024,
  };
  return [
    verdict,
    `time: ${times.join(', ')}`,
    ...(used === undefined
      ? []
      : [`memory in use: ${showDifference(used.stock, used.patched, { digits: 0, unit: ' MiB' })}`]),
    ...(services.length === 0
      ? [unsettled === true ? `programs: ${unsettledPrograms}` : 'services: the same']
      : services.map(
          ({ name, stock = 'absent', patched = 'absent' }) =>
            `${[stock, patched].includes('runs') ? 'program' : 'service'} ${name}: ${stock} -> ${patched}`,
        )),
    ...(errors.length === 0
      ? ['console: no new error']
      : errors.map((line) => `new on the console: ${line}`)),
  ];
}

/** `0.8 -> 0.9 s`. */
export function showDifference(
  stock: number | undefined,
  patched: number | undefined,
  { digits, unit }: { readonly digits: number; readonly unit: string },
): string {
  const show = (value: number | undefined) => (value === undefined ? 'not reached' : value.toFixed(digits));
  return `${show(stock)} -> ${show(patched)}${patched === undefined ? '' : unit}`;
}
