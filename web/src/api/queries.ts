import { infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query';
import { api } from './client';
import { ApiError } from './errors';
import type { RecordQuery } from './model';

export const keys = {
  session: ['session'] as const,
  sites: ['sites'] as const,
  kinds: ['kinds'] as const,
  lists: ['records'] as const,
  list: (query: RecordQuery) => ['records', query] as const,
  record: (id: string) => ['record', id] as const,
  cameras: ['cameras'] as const,
  blob: (hash: string) => ['blob', hash] as const,
  blobLimits: ['blob-limits'] as const,
  adminStatus: ['admin-status'] as const,
};

export const sessionQuery = queryOptions({
  queryKey: keys.session,
  staleTime: 60_000,
  queryFn: async ({ signal }) => {
    try {
      return await api.session(signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
});

export const sitesQuery = queryOptions({
  queryKey: keys.sites,
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => api.sites(signal),
});

export const kindsQuery = queryOptions({
  queryKey: keys.kinds,
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => api.kinds(signal),
});

export const blobLimitsQuery = queryOptions({
  queryKey: keys.blobLimits,
  staleTime: 600_000,
  queryFn: ({ signal }) => api.blobLimits(signal),
});

export const blobStateQuery = (hash: string) =>
  queryOptions({
    queryKey: keys.blob(hash),
    queryFn: ({ signal }) => api.blobState(hash, signal),
  });

export const camerasQuery = queryOptions({
  queryKey: keys.cameras,
  staleTime: Number.POSITIVE_INFINITY,
  queryFn: ({ signal }) => api.cameras(signal),
});

export const recordQuery = (id: string) =>
  queryOptions({
    queryKey: keys.record(id),
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => api.record(id, signal),
  });

export const recordsQuery = (query: RecordQuery) =>
  infiniteQueryOptions({
    queryKey: keys.list(query),
    staleTime: Number.POSITIVE_INFINITY,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      api.records({ ...query, after: pageParam, limit: 50 }, signal),
    getNextPageParam: (last) => last.next ?? undefined,
  });

/** The feed keeps caches true, so nothing refetches on focus; only an unreachable site is retried. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        refetchOnWindowFocus: false,
        networkMode: 'always',
        retry: (count, error) => error instanceof ApiError && error.status === 0 && count < 2,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
}
