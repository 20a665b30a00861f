export function Head() {
  return <header />;
}
