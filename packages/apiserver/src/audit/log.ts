/** Audit events as lines of a log (apiserver/plugin/pkg/audit/log). */
import type { AuditBackend } from './sink.ts';

/** Text that is appended somewhere. */
export interface LineWriter {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export function logBackend(writer: LineWriter, format: 'json' | 'legacy'): AuditBackend {
  return {
    name: 'log',
    concurrent: false,
    encode: (event) => (format === 'legacy' ? event.legacy() : event.json()),
    send: (lines) => writer.write(lines.join('')),
    close: () => writer.close(),
  };
}
