import { describe, expect, it } from 'vitest';
import { chooseLayer } from './layer';

describe('the layer of a tile', () => {
  it('is the small picture in a wall of nine', () => {
    expect(chooseLayer(330, 1, null)).toBe('sub');
  });

  it('is the full picture when one tile fills the page', () => {
    expect(chooseLayer(1_030, 1, null)).toBe('main');
  });

  it('counts device pixels, not CSS pixels', () => {
    expect(chooseLayer(500, 2, null)).toBe('main');
  });

  it('keeps what it has near the border', () => {
    expect(chooseLayer(800, 1, 'main')).toBe('main');
    expect(chooseLayer(800, 1, 'sub')).toBe('sub');
  });

  it('starts with the small picture near the border', () => {
    expect(chooseLayer(800, 1, null)).toBe('sub');
  });
});
