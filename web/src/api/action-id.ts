/** A fresh idempotency key: 16 random bytes in hex (`crypto.randomUUID` is missing in Chrome 86). */
export function newActionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
