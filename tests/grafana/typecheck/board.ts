// What a generated board must be: Grafana's published types, with each panel held to the options of its own plugin.
// Panels, queries and annotations that @grafana/schema 13.1 does not describe are written out below, from Grafana's source.
import type * as schema from '@grafana/schema';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as loki from '@grafana/schema/dist/esm/raw/composable/loki/dataquery/x/LokiDataQuery_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A type as JSON writes it: an enum of strings becomes its texts. */
type Wire<T> = 0 extends 1 & T
  ? T
  : T extends string
    ? `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends readonly (infer Item)[]
        ? Wire<Item>[]
        : T extends object
          ? { [Key in keyof T]: Wire<T[Key]> }
          : T;

type Source<Type extends string, Variable extends string> = { type: Type; uid: `\${${Variable}}` };

// packages/grafana-prometheus/src/types.ts, PromQuery
interface PrometheusQuery {
  datasource: Source<'prometheus', 'prometheus'>;
  editorMode: 'code';
  exemplar: boolean;
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  interval?: string;
  legendFormat: string;
  range: boolean;
  refId: string;
}

// public/app/plugins/datasource/jaeger/types.ts, JaegerQuery
interface JaegerQuery {
  datasource: Source<'jaeger', 'jaeger'>;
  limit: number;
  maxDuration?: string;
  minDuration?: string;
  operation: string;
  queryType: 'search';
  refId: string;
  service: string;
  tags?: string;
}

type LokiQuery = Wire<Omit<loki.LokiDataQuery, 'datasource' | 'hide' | 'key'>> & { datasource: Source<'loki', 'loki'> };

interface PanelOf<Type extends string, Query, Options, Custom> {
  datasource: Query extends { datasource: infer Reference } ? Reference : never;
  description: string;
  fieldConfig: {
    defaults: Wire<Omit<schema.FieldConfig, 'custom'>> & { custom?: Wire<Custom>; unit?: string };
    overrides: Array<{ matcher: { id: string; options?: string }; properties: Array<{ id: string; value?: unknown }> }>;
  };
  gridPos: { h: number; w: number; x: number; y: number };
  id: number;
  links?: Array<Wire<Link>>;
  options: Wire<Options>;
  targets: Query[];
  title: string;
  transparent?: boolean;
  type: Type;
}

type Link = NonNullable<schema.Dashboard['links']>[number];

// public/app/plugins/panel/alertlist/types.ts, UnifiedAlertListOptions
interface AlertListPanel {
  description: string;
  gridPos: { h: number; w: number; x: number; y: number };
  id: number;
  options: {
    alertInstanceLabelFilter: string;
    alertName: string;
    dashboardAlerts: boolean;
    datasource: 'Prometheus';
    folder: null;
    groupBy: string[];
    groupMode: 'default' | 'custom';
    maxItems: number;
    showInactiveAlerts: boolean;
    showInstances: boolean;
    sortOrder: 1 | 2 | 3 | 4 | 5;
    stateFilter: Record<'firing' | 'pending' | 'recovering' | 'noData' | 'normal' | 'error', boolean>;
    viewMode: 'list' | 'stat';
  };
  title: string;
  transparent?: boolean;
  type: 'alertlist';
}

type Panel =
  | PanelOf<'timeseries', PrometheusQuery, timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'timeseries', LokiQuery, timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'stat', PrometheusQuery, stat.Options, Record<string, never>>
  | PanelOf<'heatmap', PrometheusQuery, heatmap.Options, heatmap.FieldConfig>
  | Omit<PanelOf<'logs', LokiQuery, logs.Options, Record<string, never>>, 'fieldConfig'>
  | PanelOf<'table', JaegerQuery, table.Options, table.FieldConfig>
  | AlertListPanel;

// packages/grafana-prometheus/src/annotations.ts adds its formats to an annotation
interface Annotation extends Omit<Wire<schema.AnnotationQuery>, 'target' | 'datasource'> {
  datasource: Source<'prometheus', 'prometheus'>;
  tagKeys?: string;
  target: PrometheusQuery;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

export interface Board
  extends Omit<Wire<schema.Dashboard>, 'annotations' | 'editable' | 'id' | 'links' | 'panels' | 'templating' | 'uid'> {
  annotations: { list: Annotation[] };
  editable: false;
  links: Array<Wire<Link>>;
  panels: Panel[];
  templating: { list: Array<Wire<schema.VariableModel>> };
  uid: string;
}
