import styles from './status.module.css';

/** Figures with their names. */
export function Facts({ facts }: { facts: { name: string; value: string | number }[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="figures">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
