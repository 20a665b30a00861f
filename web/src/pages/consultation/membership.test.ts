import { describe, expect, it } from 'vitest';
import type { Consultation } from '@/api/model';
import { type Membership, type MembershipEvent, membership, OUTSIDE } from './membership';

const play = (...events: MembershipEvent[]) => events.reduce<Membership>(membership, OUTSIDE);

const room = (left_at: number | null, state: 'open' | 'closed' = 'open'): Consultation => ({
  state,
  opened_at: 0,
  cameras: [],
  participants: [
    {
      participation: 'p1',
      person: { id: 'u1', name: '李敏' },
      site: 's1',
      joined_at: 1,
      left_at,
      audio: true,
      video: true,
    },
  ],
});

const join: MembershipEvent = { type: 'join', listener: false };
const joined: MembershipEvent = { type: 'joined', participation: 'p1' };
const record = (consultation: Consultation): MembershipEvent => ({ type: 'record', consultation });

describe('being in a consultation', () => {
  it('takes one press and the answer of the site', () => {
    expect(play(join, joined)).toEqual({ phase: 'inside', participation: 'p1', listener: false });
  });

  it('keeps that somebody chose to listen only', () => {
    expect(play({ type: 'join', listener: true }, joined)).toMatchObject({ listener: true });
  });

  it('lets a listener take part without joining again', () => {
    const listening = play({ type: 'join', listener: true }, joined);
    expect(membership(listening, { type: 'speakUp' })).toEqual({
      phase: 'inside',
      participation: 'p1',
      listener: false,
    });
  });

  it('says why joining was refused and allows another press', () => {
    const refused = play(join, { type: 'refused', failure: 'conflict_state' });
    expect(refused).toMatchObject({ phase: 'outside', failure: 'conflict_state' });
    expect(membership(refused, join)).toMatchObject({ phase: 'joining' });
  });

  it('survives a record that is older than the joining', () => {
    const empty = { ...room(null), participants: [] };
    expect(play(join, joined, record(empty))).toMatchObject({ phase: 'inside' });
  });

  it('ends when the site has recorded the leaving', () => {
    expect(play(join, joined, record(room(20)))).toMatchObject({ note: 'dropped' });
  });

  it('ends for everyone when the room is closed', () => {
    expect(play(join, joined, record(room(null, 'closed')))).toEqual(OUTSIDE);
  });

  it('tells leaving by hand from being dropped', () => {
    expect(play(join, joined, { type: 'left' })).toMatchObject({ note: 'left' });
  });
});
