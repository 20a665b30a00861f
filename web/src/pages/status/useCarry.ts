import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api } from '@/api/client';
import { download, save } from '@/api/download';
import { ApiError } from '@/api/errors';
import type { Imported } from '@/api/model';
import { keys } from '@/api/queries';
import { upload } from '@/api/upload';

/** Where an export or an import of a carried file stands. */
export type Carrying =
  | { state: 'idle' | 'stopped' }
  | { state: 'exporting'; bytes: number }
  | { state: 'exported'; bytes: number; file: string; to: string }
  | { state: 'importing'; bytes: number; of: number; file: string }
  | { state: 'imported'; file: string; result: Imported }
  | { state: 'failed'; error: unknown };

const IMPORT = '/api/v1/admin/import';

/** Exports and imports carried files, one at a time; either can be stopped. */
export function useCarry() {
  const [carrying, setCarrying] = useState<Carrying>({ state: 'idle' });
  const queries = useQueryClient();
  const stopper = useRef<AbortController>(null);
  const run = async (work: (signal: AbortSignal) => Promise<Carrying>) => {
    const own = new AbortController();
    stopper.current = own;
    try {
      setCarrying(await work(own.signal));
    } catch (error) {
      setCarrying(own.signal.aborted ? { state: 'stopped' } : { state: 'failed', error });
    }
  };
  const exportFor = (peer: string, to: string, file: string) =>
    run(async (signal) => {
      setCarrying({ state: 'exporting', bytes: 0 });
      const path = `/api/v1/admin/export?peer=${encodeURIComponent(peer)}`;
      const told = (bytes: number) => setCarrying({ state: 'exporting', bytes });
      const content = await download(path, told, signal);
      save(content, file);
      return { state: 'exported', bytes: content.size, file, to };
    });
  const importFile = (file: File) =>
    run(async (signal) => {
      if (file.size === 0) throw new ApiError(0, { code: 'empty_file' });
      const told = (bytes: number) =>
        setCarrying({ state: 'importing', bytes, of: file.size, file: file.name });
      told(0);
      // A session that has ended is told now, not after a long file.
      await api.session(signal);
      const result = await upload<Imported>('POST', IMPORT, file, told, signal);
      // The file also said what its writer holds.
      for (const queryKey of [keys.adminStatus, keys.sites]) {
        void queries.invalidateQueries({ queryKey });
      }
      return { state: 'imported', file: file.name, result };
    });
  return { carrying, exportFor, importFile, stop: () => stopper.current?.abort() };
}
