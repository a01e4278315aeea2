/**
 * What is under way, and how long it may still take: one line on stderr that is written over.
 *
 * @module
 */

/** Counts steps towards a known number. */
export class Progress {
  readonly #total: number;
  readonly #start = performance.now();
  #done = 0;

  /** Nothing is done of `total` steps. */
  constructor(total: number) {
    this.#total = total;
  }

  /** Says what begins. */
  begin(what: string): void {
    const spent = (performance.now() - this.#start) / 1000;
    const left = this.#done === 0
      ? ""
      : `, ${duration(spent / this.#done * (this.#total - this.#done))} left`;
    this.#write(`[${this.#done + 1}/${this.#total}${left}] ${what}`);
  }

  /** One step is done. */
  end(): void {
    this.#done++;
    this.#write("");
  }

  /** Says something that stays. */
  tell(words: string): void {
    this.#write("");
    console.error(words);
  }

  #write(text: string): void {
    if (!Deno.stderr.isTerminal()) return;
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  }
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const rest = `${Math.round(seconds % 60)} s`;
  return minutes > 0 ? `${minutes} min ${rest}` : rest;
}
