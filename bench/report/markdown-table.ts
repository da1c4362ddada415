/** A Markdown table with aligned columns: text to the left in the first ones, figures to the right. */
export function markdownTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const rule = widths.map((width, column) =>
    column < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, column) => {
      const cell = cells[column] ?? '';
      return column < textColumns ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${padded.join(' | ')} |`;
  };
  return [heading, rule, ...rows].map(line).join('\n');
}
