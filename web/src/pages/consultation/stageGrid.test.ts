import { describe, expect, it } from 'vitest';
import { stageGrid } from './stageGrid';

describe('the stage of a consultation', () => {
  it('gives one tile everything', () => {
    expect(stageGrid(1, 1_000, 600)).toEqual({ columns: 1, rows: 1 });
  });

  it('puts two side by side on a wide stage, one above the other on a phone', () => {
    expect(stageGrid(2, 1_040, 480)).toEqual({ columns: 2, rows: 1 });
    expect(stageGrid(2, 344, 560)).toEqual({ columns: 1, rows: 2 });
  });

  it('makes squares of four and nine', () => {
    expect(stageGrid(4, 1_040, 580)).toEqual({ columns: 2, rows: 2 });
    expect(stageGrid(9, 1_040, 580)).toEqual({ columns: 3, rows: 3 });
  });

  it('never makes tiles too narrow to tell a face', () => {
    expect(stageGrid(12, 344, 300).columns).toBe(1);
  });

  it('has a shape even when it is empty', () => {
    expect(stageGrid(0, 1_000, 600)).toEqual({ columns: 1, rows: 1 });
  });
});
