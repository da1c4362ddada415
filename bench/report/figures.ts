/** Figures as people read them; a dash where there is none. */

const MEBIBYTE = 2 ** 20;

/** 47,100 */
export function formatCount(value: number): string {
  return formatNumber(value, 0);
}

/** 15.3, with that many decimals. */
export function formatNumber(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** Milliseconds, with more decimals for small values. */
export function formatMilliseconds(milliseconds: number): string {
  return formatNumber(milliseconds, milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0);
}

export function formatMebibytes(bytes: number): string {
  return formatNumber(bytes / MEBIBYTE, 0);
}

/** 1.91 × */
export function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) ? `${formatNumber(ratio, 2)} ×` : '–';
}
