/**
 * The query of a URL as Go reads it (net/url, ParseQuery): a parameter that is wrongly escaped, or has a semicolon, is left
 * out, where the URL standard would take it as it is.
 */

/** @param text what stands behind the question mark */
export function parseQuery(text: string): URLSearchParams {
  const isWhole = !UNREADABLE.test(text);
  return new URLSearchParams(
    isWhole
      ? text
      : text
          .split('&')
          .filter((part) => !UNREADABLE.test(part))
          .join('&'),
  );
}

const UNREADABLE = /;|%(?![0-9A-Fa-f]{2})/;
