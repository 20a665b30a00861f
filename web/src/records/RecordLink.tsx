import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { pageOf } from '@/kinds';

interface Props {
  kind: string;
  id: string;
  /** It is not here yet but for its row. */
  provisional?: boolean;
  className?: string;
  children: ReactNode;
}

/** A way to a record's own page; plain text where there is none. */
export function RecordLink({ kind, id, provisional = false, className, children }: Props) {
  const page = provisional ? null : pageOf(kind);
  if (!page) return <span className={className}>{children}</span>;
  return (
    <Link to={page} params={{ id }} className={className} preload={false} data-row-link="">
      {children}
    </Link>
  );
}
