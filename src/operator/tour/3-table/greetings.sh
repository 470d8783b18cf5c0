# One line for each language; sourced by greet.sh.

greeting() {
  case $1 in
    de) echo 'Hallo %s, schön, dich zu sehen' ;;
    en) echo 'Hello %s, nice to see you' ;;
    es) echo 'Hola %s, me alegro de verte' ;;
    fr) echo 'Bonjour %s, ravi de te voir' ;;
    *) return 1 ;;
  esac
}
