/** The thread that `yaml-thread.ts` starts. */
import { parentPort } from 'node:worker_threads';
import { yamlToJson } from './yaml/json.ts';
import type { Answer } from './yaml-thread.ts';

const parent = parentPort!;

parent.on('message', (bytes: Uint8Array) => {
  parent.postMessage(convert(bytes));
});

function convert(bytes: Uint8Array): Answer {
  try {
    return yamlToJson(bytes);
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
