/** Why a component did not start, in words for the one who started it. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  /** What to do about it: an imperative without a full stop. */
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
