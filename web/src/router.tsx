import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { sessionQuery } from './api/queries';
import { readFilters } from './records/filters';
import { AppShell } from './shell/AppShell';
import { Crash } from './shell/Crash';
import { NotFound } from './shell/NotFound';
import { PageLoading } from './shell/PageLoading';

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search: Record<string, unknown>): { to?: string } =>
    typeof search.to === 'string' && /^\/(?!\/)/.test(search.to) ? { to: search.to } : {},
  component: lazyRouteComponent(() => import('./pages/sign-in'), 'SignInPage'),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/desk', replace: true });
  },
});

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signed-in',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queries.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: '/sign-in', search: { to: location.href }, replace: true });
  },
  component: AppShell,
});

const desk = createRoute({
  getParentRoute: () => signedIn,
  path: '/desk',
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import('./pages/desk'), 'DeskPage'),
});

const log = createRoute({
  getParentRoute: () => signedIn,
  path: '/log',
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import('./pages/log'), 'LogPage'),
});

const logItem = createRoute({
  getParentRoute: () => signedIn,
  path: '/log/$id',
  component: lazyRouteComponent(() => import('./pages/log/item'), 'LogItemPage'),
});

const incidents = createRoute({
  getParentRoute: () => signedIn,
  path: '/incidents',
  validateSearch: readFilters,
  component: lazyRouteComponent(() => import('./pages/incidents'), 'IncidentsPage'),
});

const incident = createRoute({
  getParentRoute: () => signedIn,
  path: '/incidents/$id',
  component: lazyRouteComponent(() => import('./pages/incidents/incident'), 'IncidentPage'),
});

const cameras = createRoute({
  getParentRoute: () => signedIn,
  path: '/cameras',
  component: lazyRouteComponent(() => import('./pages/cameras'), 'CamerasPage'),
});

const consultation = createRoute({
  getParentRoute: () => signedIn,
  path: '/consultations/$id',
  component: lazyRouteComponent(() => import('./pages/consultation'), 'ConsultationPage'),
});

const status = createRoute({
  getParentRoute: () => signedIn,
  path: '/status',
  component: lazyRouteComponent(() => import('./pages/status'), 'StatusPage'),
});

const tree = root.addChildren([
  home,
  signIn,
  signedIn.addChildren([desk, log, logItem, incidents, incident, cameras, consultation, status]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    defaultPendingComponent: PageLoading,
    defaultPendingMs: 1000,
    defaultErrorComponent: Crash,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
