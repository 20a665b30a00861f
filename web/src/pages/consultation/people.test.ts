import { describe, expect, it } from 'vitest';
import type { Participant } from '@/api/model';
import { hereFirst, others } from './people';

const stay = (participation: string, person: string, left_at: number | null): Participant => ({
  participation,
  person: { id: person, name: person },
  site: 's1',
  joined_at: 1,
  left_at,
  audio: true,
  video: true,
});

const room = [
  stay('a', '王', 5),
  stay('b', '李', null),
  stay('c', '赵', null),
  stay('d', '李', null),
];

describe('the people of a consultation', () => {
  it('vanish from the tiles when they leave and stay in the list', () => {
    expect(others(room, '周').map((one) => one.participation)).toEqual(['b', 'c', 'd']);
    expect(hereFirst(room).map((one) => one.participation)).toEqual(['b', 'c', 'd', 'a']);
  });

  it('do not see and hear themselves on a second device', () => {
    expect(others(room, '李').map((one) => one.participation)).toEqual(['c']);
  });
});
