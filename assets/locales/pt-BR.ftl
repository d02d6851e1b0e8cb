# Textos dos relatórios em português do Brasil.
language = pt-BR

col-row_kind = Tipo
col-sector = Setor
col-measure = Medida
col-day = Dia
col-month = Mês
col-weekday = Dia da semana
col-hour = Hora
col-days = Dias
col-mean_arrivals = Conversas por dia
col-conversations = Conversas
col-tickets = Tickets
col-tickets_share = % dos tickets
col-closed = Encerrados
col-attended = Atendidos
col-abandoned = Abandonados
col-lost = Perdidos
col-inactive = Inatividade
col-transferred = Transferidos
col-lost_share = Perdidos na fila
col-unanswered = Sem resposta
col-queue_wait_n = Espera na fila (n)
col-queue_wait_mean_s = Espera na fila
col-queue_wait_median_s = Espera na fila (mediana)
col-queue_wait_p90_s = Espera na fila (p90)
col-queue_wait_min_s = Espera na fila (mínimo)
col-queue_wait_max_s = Espera na fila (máximo)
col-first_response_n = 1ª resposta (n)
col-first_response_mean_s = 1ª resposta após assumir
col-first_response_median_s = 1ª resposta após assumir (mediana)
col-first_response_p90_s = 1ª resposta após assumir (p90)
col-whole_wait_n = Espera até a 1ª resposta (n)
col-whole_wait_mean_s = Espera até a 1ª resposta
col-whole_wait_median_s = Espera até a 1ª resposta (mediana)
col-whole_wait_p90_s = Espera até a 1ª resposta (p90)
col-response_n = Respostas
col-response_mean_s = Tempo médio de resposta
col-response_median_s = Resposta (mediana)
col-response_p90_s = Resposta (p90)
col-response_min_s = Resposta (mínimo)
col-response_max_s = Resposta (máximo)
col-handling_n = Atendimento (n)
col-handling_mean_s = Tempo de atendimento
col-handling_median_s = Tempo de atendimento (mediana)
col-handling_p90_s = Tempo de atendimento (p90)
col-handling_s = Tempo de atendimento
col-ratings = Avaliações
col-invalid = Sem nota
col-score_1 = Nota 1
col-score_2 = Nota 2
col-score_3 = Nota 3
col-score_4 = Nota 4
col-score_5 = Nota 5
col-csat_share = Satisfação
col-csat_mean = Nota média
col-response_rate = Taxa de resposta
col-few = Poucas avaliações
col-n = n
col-n_null = Sem valor
col-mean_s = Média
col-median_s = Mediana
col-p90_s = p90
col-min_s = Mínimo
col-max_s = Máximo
col-conversation_id = Conversa
col-sequential_id = Ticket nº
col-started_local = Início
col-channel = Canal
col-first_sector = Setor inicial
col-last_sector = Setor final
col-outcome = Desfecho
col-agent = Atendente
col-transfers = Transferências
col-queue_wait_s = Espera na fila
col-whole_wait_s = Espera até a 1ª resposta
col-turns = Respostas
col-score = Nota
col-ended_day = Encerrada em
col-check_name = Verificação
col-said = Blip informa / habitual
col-found = Encontrado
col-set_aside = Separados

value-total = Total
value-queue_wait = Espera na fila
value-first_response = 1ª resposta após assumir
value-whole_wait = Espera até a 1ª resposta
value-response = Tempo de resposta
value-handling = Tempo de atendimento
value-attended = Atendida
value-abandoned = Abandonada
value-lost = Perdida na fila
value-inactive = Inatividade
value-transferred = Transferida
value-pending = Em aberto
value-yes = sim
value-no = não

channel-wa_gw_msging_net = WhatsApp
channel-messenger_gw_msging_net = Messenger
channel-instagram_gw_msging_net = Instagram
channel-telegram_gw_msging_net = Telegram
channel-mailgun_gw_msging_net = E-mail
channel-0mn_io = Chat do site

unit-seconds = { $s } s
unit-minutes = { $m } min { $s } s
unit-hours = { $h } h { $m } min
unit-hour = { $h }h
no-data = —
not-loaded = n/d

period-days = { $first } a { $last }
period-week = semana { $week } de { $year } ({ $first } a { $last })
period-month-to-date = { $month }, até o dia { $day }

kpi-detail = mediana { $median } · p90 { $p90 }
kpi-n = { $n ->
    [one] 1 observação
   *[other] { $count } observações
}
kpi-no-comparison = sem comparação
kpi-versus = vs. { $previous }
kpi-unchanged = sem mudança
kpi-points = { $points } p.p.
table-range = { $min } – { $max }
table-continued = { $group } (continuação)
table-few = poucas avaliações
table-empty = Sem dados no período.

pdf-code = Código
pdf-revision = Revisão
pdf-published = Publicação
pdf-page = Página
pdf-prepared = Elaboração
pdf-approved = Aprovação
pdf-page-of = { $page } de { $pages }
pdf-period = Período
pdf-sector = Setor
pdf-definitions = O que significa cada número
pdf-queries = Consultas que deram origem aos números
pdf-source = Dados { $snapshot } · publicados em { $published }
pdf-data-until = dados até { $until }
pdf-generated = Gerado pelo Relato a partir da fotografia de dados { $snapshot }
chart-mean = média

sheet-summary = Resumo
sheet-about = Sobre
about-title = Sobre este relatório
about-organization = Organização
about-period = Período
about-compared = Comparado com
about-timezone = Fuso horário
about-sector = Setor
about-all-sectors = todos
about-snapshot = Fotografia de dados
about-published = Publicada em
about-loaded-until = Dados carregados até
about-completeness = Completude
about-days = Dias carregados
about-reported = Tickets informados pela Blip
about-stored = Tickets armazenados
about-open = Tickets ainda em aberto
about-quarantined = Registros em quarentena
about-notes = Observações
about-definitions = Definições
about-queries = Consultas (SHA-256)
about-value = { $value } de { $total }
summary-figure = Indicador
summary-value = Valor
summary-previous = Período anterior
summary-change = Variação
summary-n = n
summary-detail = Mediana e p90

complete-closed = Período fechado: todos os { $days } dias carregados, nenhum ticket em aberto.
complete-provisional = Provisório: { $reasons } Os números ainda podem mudar.
complete-incomplete = Incompleto: só { $loaded } de { $days } dias carregados. Os números estão abaixo do real.
reason-open = { $n ->
    [one] 1 ticket do período ainda está em aberto.
   *[other] { $count } tickets do período ainda estão em aberto.
}
reason-late = Avaliações ainda podem chegar até { $until }.
reason-messages = { $n ->
    [one] Faltam as mensagens de 1 ticket.
   *[other] Faltam as mensagens de { $count } tickets.
}
note-quarantined = { $n ->
    [one] 1 registro da Blip não pôde ser interpretado e ficou fora dos números.
   *[other] { $count } registros da Blip não puderam ser interpretados e ficaram fora dos números.
}
note-check = Verificação: { $n } { $message }.
check-everything_reported_is_stored = dia(s) em que a Blip informou mais registros do que os armazenados
check-tickets_open_before_they_are_created = ticket(s) assumido(s) antes de criado(s), fora da espera na fila
note-touch = A soma das conversas por setor pode passar do total: uma conversa transferida conta em cada setor por onde passou.
note-satisfaction-none = A satisfação não está configurada: as avaliações não são lidas.

M1-name = Tickets
M1-text = Tickets criados no período, pela data de entrada na fila. Uma transferência encerra um ticket e abre outro: uma conversa pode ter vários tickets.
M2-name = Conversas
M2-text = Atendimentos de ponta a ponta: os tickets ligados por transferências contam uma vez só, na data de início do primeiro.
M4-name = Encerrados
M4-text = Tickets encerrados no período, pela data de encerramento. Transferências aparecem à parte: não são encerramentos.
M6-name = Espera na fila
M6-text = Da entrada na fila até um atendente assumir o ticket. Tickets nunca assumidos ficam fora da média.
M7-name = 1ª resposta após assumir
M7-text = Do momento em que o atendente assume até a sua primeira resposta. Não inclui a espera na fila.
M8-name = Espera até a 1ª resposta
M8-text = Do início da conversa até a primeira resposta de uma pessoa, fila e transferências incluídas. Por setor: o que respondeu primeiro.
M9-name = Tempo médio de resposta
M9-text = Depois da primeira resposta: da primeira mensagem do cliente ainda sem resposta até a resposta seguinte de uma pessoa. Soma dos segundos dividida pelo número de respostas. Por setor contam só os segundos em que a conversa estava com ele; no total, a espera inteira do cliente.
M10-name = Tempo de atendimento
M10-text = De assumir até encerrar o ticket, pela data de encerramento. Inclui o tempo parado.
M12-name = Perdidos na fila
M12-text = Tickets que o cliente encerrou antes de alguém assumir, sobre os tickets criados no período.
M14-name = Sem resposta
M14-text = Conversas iniciadas no período que não tiveram nenhuma resposta de uma pessoa.
M15-name = Transferências
M15-text = Tickets da conversa que terminaram em transferência.
M18-name = Satisfação (CSAT)
M18-text = Avaliações a partir da nota { $cut } sobre todas as avaliações válidas, na escala { $scale }. Conta a última avaliação válida de cada conversa, no dia em que a conversa terminou. Respostas sem nota ficam fora e são contadas à parte. Fonte: { $source }.
M19-name = Nota média
M19-text = Média das avaliações válidas, na própria escala ({ $scale }).
M21-name = Taxa de resposta da pesquisa
M21-text = Avaliações válidas sobre tickets encerrados (sem transferências), pois a Blip não informa quantas pesquisas enviou.
M22-name = Poucas avaliações
M22-text = Setores com menos de 30 avaliações não entram na classificação.
M25-name = Mediana e p90
M25-text = Metade dos casos ficou abaixo da mediana; 90% ficaram abaixo do p90. Calculados linha a linha, com interpolação linear (como MED e PERCENTIL.INC no Excel). Com menos de 10 casos, mostra-se o menor e o maior valor.
M27-name = Carga por hora
M27-text = Conversas iniciadas em cada hora, divididas pelo número de vezes que o dia da semana ocorreu no período.
source-events = eventos registrados pelo fluxo da Blip
source-rating = nota do ticket
source-import = arquivos exportados da Blip
source-none = não configurada
