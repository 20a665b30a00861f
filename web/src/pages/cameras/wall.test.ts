import { describe, expect, it } from 'vitest';
import { EMPTY_WALL, fromSearch, hide, setLayout, show, toSearch, type Wall } from './wall';

const id = (n: number) => String(n).padStart(32, '0');
const hung = (wall: Wall, ...numbers: number[]) => numbers.map(id).reduce(show, wall);

describe('the camera wall', () => {
  it('fills empty places in order', () => {
    const wall = hung(EMPTY_WALL, 1, 2);
    expect(wall.places).toEqual([id(1), id(2), null, null]);
  });

  it('leaves the other pictures where they are when one is closed', () => {
    const wall = hide(hung(EMPTY_WALL, 1, 2, 3), id(2));
    expect(wall.places).toEqual([id(1), null, id(3), null]);
    expect(show(wall, id(4)).places).toEqual([id(1), id(4), id(3), null]);
  });

  it('gives up the picture shown longest when it is full', () => {
    const wall = hung(EMPTY_WALL, 1, 2, 3, 4, 5);
    expect(wall.places).toEqual([id(5), id(2), id(3), id(4)]);
  });

  it('does not hang a camera twice', () => {
    const wall = hung(EMPTY_WALL, 1);
    expect(show(wall, id(1))).toBe(wall);
  });

  it('changes the one picture of a single layout', () => {
    const wall = hung(setLayout(EMPTY_WALL, 1), 1, 2);
    expect(wall.places).toEqual([id(2)]);
  });

  it('keeps the last hung pictures when places are taken away', () => {
    const wall = setLayout(hung(EMPTY_WALL, 1, 2, 3), 1);
    expect(wall).toEqual({ layout: 1, places: [id(3)], order: [id(3)] });
  });

  it('keeps everything when places are added', () => {
    const wall = setLayout(hung(EMPTY_WALL, 1, 2), 9);
    expect(wall.places.slice(0, 3)).toEqual([id(1), id(2), null]);
    expect(wall.places).toHaveLength(9);
  });

  it('comes back from its address', () => {
    const wall = hide(hung(EMPTY_WALL, 1, 2, 3), id(1));
    expect(fromSearch(toSearch(wall)).places).toEqual(wall.places);
    expect(toSearch(EMPTY_WALL)).toBe('');
  });

  it('reads nonsense in the address as empty places', () => {
    expect(fromSearch(`?layout=7&watch=x.c${id(1)}.c${id(1)}.cZZ`).places).toEqual([
      null,
      id(1),
      null,
      null,
    ]);
  });
});
