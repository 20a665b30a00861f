import { describe, expect, it } from 'vitest';
import { stageGrid } from './stageGrid';

const columns = (count: number, width: number, height: number) =>
  stageGrid(count, width, height).columns;

describe('the stage of a consultation', () => {
  it('gives one tile all it can, foot included', () => {
    expect(stageGrid(1, 1_600, 576)).toEqual({ columns: 1, tileWidth: 960, tileHeight: 576 });
  });

  it('puts two side by side on a wide stage, one above the other on a phone', () => {
    expect(columns(2, 1_040, 480)).toBe(2);
    expect(stageGrid(2, 344, 560)).toEqual({ columns: 1, tileWidth: 344, tileHeight: 230 });
  });

  it('makes squares of four and nine', () => {
    expect(columns(4, 1_040, 580)).toBe(2);
    expect(columns(9, 1_040, 580)).toBe(3);
  });

  it('never makes tiles too narrow to tell a face, even for a crowd', () => {
    const crowd = stageGrid(40, 1_040, 300);
    expect(crowd.tileWidth).toBeGreaterThanOrEqual(220);
    expect(crowd.columns).toBe(4);
  });

  it('has a shape before the stage is measured', () => {
    expect(stageGrid(3, 0, 0)).toEqual({ columns: 1, tileWidth: 0, tileHeight: 36 });
  });
});
