export type Mode = 'day' | 'night';

export interface Palette {
  page: string;
  panel: string;
  raised: string;
  text: string;
  secondary: string;
  line: string;
  control: string;
  primary: string;
  primaryText: string;
  onPrimary: string;
  danger: string;
  selected: string;
}

export const palettes: Record<Mode, Palette> = {
  day: {
    page: '#F4F6F8',
    panel: '#FFFFFF',
    raised: '#EDF1F5',
    text: '#1F2933',
    secondary: '#52606D',
    line: '#D5DCE3',
    control: '#7B8794',
    primary: '#1F4E79',
    primaryText: '#1F4E79',
    onPrimary: '#FFFFFF',
    danger: '#B42318',
    selected: '#E3ECF5',
  },
  night: {
    page: '#12181F',
    panel: '#1B232C',
    raised: '#232D38',
    text: '#D5DBE1',
    secondary: '#9AA7B4',
    line: '#33404D',
    control: '#6B7A89',
    primary: '#2F6BA3',
    primaryText: '#8DB9E2',
    onPrimary: '#FFFFFF',
    danger: '#F0857B',
    selected: '#24394E',
  },
};
