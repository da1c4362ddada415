/** Keys of the last while: so many, and so long. */
export class RecentKeys {
  readonly #most: number;
  readonly #lastMs: number;
  readonly #untilMs = new Map<string, number>();

  constructor(most: number, lastMs: number) {
    this.#most = most;
    this.#lastMs = lastMs;
  }

  has(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }

  delete(key: string): void {
    this.#untilMs.delete(key);
  }

  add(key: string): void {
    this.#untilMs.delete(key);
    this.#untilMs.set(Buffer.from(key, 'latin1').toString('latin1'), performance.now() + this.#lastMs);
    if (this.#untilMs.size <= this.#most) return;
    const [oldest] = this.#untilMs.keys();
    this.#untilMs.delete(oldest!);
  }
}
