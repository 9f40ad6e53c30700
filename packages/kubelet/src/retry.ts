/**
 * The pause before an operation is tried again: half a second after the first failure, doubling to two minutes
 * (pkg/util/goroutinemap/exponentialbackoff).
 * @param failures before this one. @returns milliseconds
 */
export const operationPause = (failures: number): number => Math.min(122_000, 500 * 2 ** failures);
