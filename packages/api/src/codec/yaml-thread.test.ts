import { expect, it, vi } from 'vitest';
import { yamlToJson } from './yaml/json.ts';
import { decodeYamlDocument } from './yaml.ts';
import { YamlThread } from './yaml-thread.ts';

const large = (text: string) => Buffer.from(`${text}\n${'# and so on\n'.repeat(10_000)}`);
const outcome = (bytes: Buffer) => {
  try {
    return decodeYamlDocument(bytes);
  } catch (error) {
    return (error as Error).message;
  }
};

it('says of what is large what is said of it on the spot', async () => {
  const thread = new YamlThread();
  const texts = [
    'a: 9223372036854775807\nb: [1.5, é, ~]',
    'a: 1\na: 2',
    'a: [',
    'a: \u0001',
    'a: .inf',
    '{"a": {"b": 1}}',
  ];
  const given = texts.map(large);
  await Promise.all(given.map((bytes) => thread.convert(bytes)));
  expect(given.map(outcome)).toEqual(texts.map((text) => outcome(large(text))));
});

it('reads it on another thread', async () => {
  const thread = new YamlThread();
  const [bytes, small] = [large('a: 1'), Buffer.from('a: 1')];
  await thread.convert(small);
  expect(thread.isThere).toBe(false);
  await thread.convert(bytes);
  expect(thread.isThere).toBe(true);
  expect(yamlToJson(bytes).json).toBe(yamlToJson(bytes).json);
});

it('starts another thread after one has been idle', async () => {
  const thread = new YamlThread(0);
  for (const text of ['a: 1', 'a: 2']) {
    const bytes = large(text);
    await thread.convert(bytes);
    await vi.waitFor(() => expect(thread.isThere).toBe(false));
    expect(decodeYamlDocument(bytes).value).toEqual(decodeYamlDocument(Buffer.from(text)).value);
  }
});
