import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '@/api/queries';
import css from './media.module.css';

/** Where the viewer's name stands; off the centre, where the picture matters most. */
const PLACES = [
  { left: '6%', top: '14%' },
  { left: '46%', top: '42%' },
  { left: '14%', top: '72%' },
];

/** The viewer's name over the picture: a photograph of the screen says who was looking. */
export function Watermark() {
  const { data: session } = useQuery(sessionQuery);
  if (!session) {
    return null;
  }
  const text = `${session.user.name} ${session.user.login} ${session.site.name}`;
  return (
    <div className={css.marks} aria-hidden="true" data-testid="watermark">
      {PLACES.map((place) => (
        <span key={place.top} className={css.mark} style={place}>
          {text}
        </span>
      ))}
    </div>
  );
}
