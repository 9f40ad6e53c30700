/** RFC 3339 in UTC with whole seconds (meta/v1 Time). */
export function formatTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
