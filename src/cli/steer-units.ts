/** Figures for people. */

const SIZE_UNITS = ['b', 'kb', 'mb', 'gb', 'tb'] as const;

/** The two largest units: `350ms`, `4.2s`, `3m 12s`, `5h 0m`, `12d 3h`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)}ms`;
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${(Math.floor(milliseconds / 100) / 10).toString()}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** In the units that flags take, of 1,024: `512b`, `45.2mb`. */
export function formatSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // What would be written as 1024.0.
  while (value >= 1023.95 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)}${SIZE_UNITS[unit]}`;
}

/** `1,234,567` */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
