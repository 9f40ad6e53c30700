import { createRequire } from 'node:module';

/**
 * The library that reads certificates and requests, loaded when the first of them comes: a start that need not wait for
 * it is a fifth shorter. It is loaded at once, since authentication cannot wait either.
 */
export function x509Library(): typeof import('@peculiar/x509') {
  require('reflect-metadata');
  return require('@peculiar/x509');
}

const require = createRequire(import.meta.url);
