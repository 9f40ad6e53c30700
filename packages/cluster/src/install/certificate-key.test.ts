import { describe, expect, test } from 'vitest';
import { certificateKeyProblem, decrypt, encrypt, newCertificateKey } from './certificate-key.ts';

const key = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

test('what is encrypted is read by the same key alone', () => {
  const sealed = encrypt('secret', key);
  expect(sealed.toString('latin1')).not.toContain('secret');
  expect(encrypt('secret', key)).not.toEqual(sealed);
  expect(decrypt(sealed, key)).toBe('secret');
  expect(() => decrypt(sealed, newCertificateKey())).toThrow('cipher: message authentication failed');
  sealed[20]! ^= 1;
  expect(() => decrypt(sealed, key)).toThrow('cipher: message authentication failed');
  expect(() => decrypt(Buffer.alloc(8), key)).toThrow('size of data is less than the nonce');
});

test('what Go has sealed is read', () => {
  const sealed = 'dHdlbHZlIGJ5dGVz3e2CikQzyYt00QMmAbv/GI969vG2mMfADMAOXQ==';
  expect(decrypt(Buffer.from(sealed, 'base64'), key)).toBe('what is kept');
});

describe('a key', () => {
  test('that is made does', () => {
    expect(certificateKeyProblem(newCertificateKey())).toBeUndefined();
  });
  test.each([
    ['abc', 'certificate key decoding error: it is not hexadecimal'],
    [`${key.slice(2)}zz`, 'certificate key decoding error: it is not hexadecimal'],
    [key.slice(2), 'invalid certificate key size 31, the key must be an AES key of size 32'],
  ])('%s', (wrong, problem) => {
    expect(certificateKeyProblem(wrong)).toBe(problem);
  });
});
