/**
 * Several messages as upstream shows several errors: in brackets, one alone as it is (k8s.io/apimachinery/pkg/util/errors).
 * Each stands as often as it is given: a Set tells each once.
 */
export function aggregateText(messages: Iterable<string>): string {
  const texts = [...messages];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}
