export function LogItemPage() {
  return <h1>LogItemPage</h1>;
}
