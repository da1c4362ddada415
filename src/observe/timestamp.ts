/** Local time as logs write it, computed once a second. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `20/Nov/2026:16:48:00 +0000`, the Common Log Format. */
export const formatClfTime = oncePerSecond((date) => {
  const day = `${pad(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day}:${timeOfDay(date)} ${zone(date)}`;
});

/** `2026-11-20 16:48:00 +0000`, as gunicorn begins its lines. */
export const formatLogTime = oncePerSecond((date) => {
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${timeOfDay(date)} ${zone(date)}`;
});

function oncePerSecond(format: (date: Date) => string): (timeMs: number) => string {
  let second = -1;
  let text = '';
  return (timeMs) => {
    const now = Math.floor(timeMs / 1000);
    if (now !== second) {
      second = now;
      text = format(new Date(timeMs));
    }
    return text;
  };
}

function timeOfDay(date: Date): string {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(distance / 60))}${pad(distance % 60)}`;
}

function pad(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
