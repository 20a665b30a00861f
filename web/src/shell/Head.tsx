import { Account } from './Account';
import styles from './Head.module.css';
import { HeadClock } from './HeadClock';
import { Nav } from './Nav';
import { NetworkAge } from './NetworkAge';
import { Preferences } from './Preferences';
import { useSession } from './session';

export function Head() {
  const { site, user } = useSession();
  return (
    <header className={styles.head}>
      <span className={styles.room}>{site.name}</span>
      {user.role === 'staff' ? null : <Nav />}
      <NetworkAge />
      <HeadClock />
      <Preferences />
      <Account />
    </header>
  );
}
