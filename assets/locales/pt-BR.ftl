# Textos dos relatórios em português do Brasil.
language = pt-BR

col-abandoned_share = Abandonados
col-abandoned_unanswered = Abandonados sem resposta
col-age_days_from = Dias de espera, de
col-age_days_to = até
col-attendants = Atendentes
col-basis = Como se sabe quem respondeu
col-blips = Blip
col-blips_s = Blip
col-breached = Fora da meta
col-business_mean_s = Média em horário
col-business_median_s = Mediana em horário
col-business_p90_s = p90 em horário
col-changes = Mudanças
col-changes_share = % das mudanças
col-closed_reported = Encerrados segundo a Blip
col-closed_stored = Encerrados aqui, nos mesmos dias
col-created = Criados
col-csat_high = CSAT, máximo
col-csat_low = CSAT, mínimo
col-days_equal = Dias iguais
col-days_explained = Dias explicados
col-days_loaded = Dias carregados
col-days_tickets = Dias com tickets lidos
col-days_answers = Dias com respostas lidas
col-days_imported = Dias de arquivo importado
col-days_unexplained = Dias sem explicação
col-default_share = Sem roteamento
col-detractors = Detratores (0–6)
col-passives = Neutros (7–8)
col-promoters = Promotores (9–10)
col-difference = Diferença
col-difference_s = Diferença
col-ended = Terminadas
col-explanation = Explicação
col-figure = Número
col-first_response_business_mean_s = 1ª resposta em horário
col-from_day = Início
col-from_sector = De
col-replies = Respostas
col-replies_share = Parte das respostas
col-to_sector = Para
col-full_n = Resolvidas de vez
col-full_resolution_mean_s = Resolução com retornos
col-handling_business_mean_s = Atendimento em horário
col-last_day = Último dia
col-member = Grupo
col-messages_missing = Sem mensagens
col-messages_gone = Mensagens que não virão
col-met = Dentro da meta
col-met_share = Cumprimento
col-metric = Medida
col-moved = Transferidos
col-moved_share = % transferidos
col-nps = NPS
col-nps_low = NPS, mínimo
col-nps_high = NPS, máximo
col-off_hours = Fora do horário
col-oldest_day = Mais antigo
col-one_touch_n = Com mensagens
col-one_touch_share = Um só contato
col-open_end = Em aberto no fim
col-open_start = Em aberto no início
col-ours = Relato
col-ours_s = Relato
col-queue = Fila
col-queue_wait_business_mean_s = Fila em horário
col-resolution_business_mean_s = Resolução em horário
col-resolution_max_s = Maior resolução
col-resolution_mean_s = Tempo de resolução
col-resolution_median_s = Resolução, mediana
col-resolution_min_s = Menor resolução
col-resolution_n = Resolvidas
col-resolution_p90_s = Resolução, p90
col-response_business_mean_s = Resposta em horário
col-response_pending = Aguardando resposta
col-response_unanswered = Deixadas sem resposta
col-returned_24h = Retornos em 24 h
col-returned_24h_share = Retorno em 24 h
col-returned_7d = Retornos em 7 dias
col-returned_7d_share = Retorno em 7 dias
col-routing = Roteamento
col-running = Em andamento
col-sectors = Setores
col-served = Clientes atendidos
col-short_lost = Perdidos em segundos
col-tickets_open = Em aberto
col-conversations_open = Conversas em aberto
col-tickets_stored = Armazenados
col-transfer_share = Mudaram de setor
col-transfers_mean = Transferências por conversa
col-unresolved_share = Setor não resolvido
col-whole_wait_business_mean_s = 1ª resposta (total) em horário
col-tag = Etiqueta
col-span = Faixa
col-from_s = De
col-to_s = Até
col-n_share = % do total
col-cumulative_share = Acumulado
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
col-no_answer = Sem resposta
col-score_1 = Nota 1
col-score_2 = Nota 2
col-score_3 = Nota 3
col-score_4 = Nota 4
col-score_5 = Nota 5
col-csat_share = Satisfação
col-csat_mean = Nota média
col-response_rate = Taxa de resposta
col-response_rate_n = Base da taxa de resposta
col-surveys_sent = Pesquisas enviadas
col-few = Poucas avaliações
col-n = n
col-n_null = Sem valor
col-mean_s = Média
col-median_s = Mediana
col-p90_s = p90
col-min_s = Mínimo
col-first_response_min_s = 1ª resposta após assumir (mínimo)
col-first_response_max_s = 1ª resposta após assumir (máximo)
col-whole_wait_min_s = Espera até a 1ª resposta (mínimo)
col-whole_wait_max_s = Espera até a 1ª resposta (máximo)
col-handling_min_s = Tempo de atendimento (mínimo)
col-handling_max_s = Tempo de atendimento (máximo)
col-business_min_s = Mínimo em horário
col-business_max_s = Máximo em horário
col-ended_moved_share = % que mudou de setor (das encerradas)
col-ended_transfers_mean = Transferências por conversa encerrada
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

value-span-minute_1 = até 1 min
value-span-minutes_5 = 1–5 min
value-span-minutes_15 = 5–15 min
value-span-minutes_30 = 15–30 min
value-span-hour_1 = 30–60 min
value-span-hours_4 = 1–4 h
value-span-day_1 = 4–24 h
value-span-longer = 1 dia ou mais
value-metric-queue_wait_s = Espera na fila
value-metric-queue_wait_business_s = Espera na fila, em horário
value-metric-first_response_s = 1ª resposta após assumir
value-metric-first_response_business_s = 1ª resposta após assumir, em horário
value-metric-whole_wait_s = Espera até a 1ª resposta
value-metric-whole_wait_business_s = Espera até a 1ª resposta, em horário
value-metric-response_s = Tempo de resposta
value-metric-response_business_s = Tempo de resposta, em horário
value-metric-handling_s = Tempo de atendimento
value-metric-handling_business_s = Tempo de atendimento, em horário
value-metric-resolution_s = Tempo de resolução
value-metric-resolution_business_s = Tempo de resolução, em horário
value-metric-csat_share = Satisfação
value-metric-response_rate = Taxa de resposta
value-metric-one_touch_share = Um só contato
value-metric-lost_share = Perdidos na fila
value-metric-abandoned_share = Abandonados
value-metric-returned_24h_share = Retorno em 24 h
value-metric-returned_7d_share = Retorno em 7 dias
value-none = (nenhum)
value-total = Total
value-queue_wait = Espera na fila
value-first_response = 1ª resposta após assumir
value-whole_wait = Espera até a 1ª resposta
value-response = Tempo de resposta
value-response_by_ticket = Tempo de resposta, média por ticket (sem as mensagens)
value-resolution = Tempo de resolução
value-handling = Tempo de atendimento
value-attended = Atendida
value-abandoned = Abandonada
value-lost = Perdida na fila
value-inactive = Inatividade
value-transferred = Transferida
value-pending = Em aberto
value-gone = Desconhecido pela Blip
value-figure-closed = Encerrados
value-figure-closed_attendant = pelo atendente
value-figure-closed_attendant_by_pickup = pelo atendente, depois de assumir
value-figure-closed_client = pelo cliente ou por inatividade, com atendente (abandonados)
value-figure-closed_client_by_pickup = pelo cliente ou por inatividade, depois de alguém assumir
value-figure-transferred = por transferência
value-figure-missed = pelo cliente ou por inatividade, sem atendente (perdidos)
value-figure-missed_by_pickup = sem ninguém assumir
value-figure-queue = Espera na fila
value-figure-first_response = 1ª resposta após assumir
value-figure-wait = Espera até a 1ª resposta do ticket, ou até o fim sem resposta
value-figure-wait_of_answered = Espera até a 1ª resposta, só dos respondidos
value-figure-response = Tempo de resposta, média por ticket
value-figure-attendance_from_pickup = Atendimento, desde assumir
value-figure-attendance_from_answer = Atendimento, desde a 1ª resposta
value-explanation-equal = igual
value-explanation-history = início do histórico
value-explanation-quarantine = em quarentena
value-explanation-incomplete = dia incompleto
value-explanation-rejected = espera impossível
value-explanation-other_definition = outra definição
value-explanation-unexplained = sem explicação
value-queue-DIRECT_TRANSFER = Transferência direta
value-routing-queue = regra
value-routing-direct = direto a uma pessoa
value-routing-default = nenhuma regra
value-routing-unresolved = setor não resolvido
value-basis-message = a mensagem traz o atendente
value-basis-ticket = a mensagem traz o ticket
value-basis-time = pelo ticket aberto naquele momento
value-check_name-listed = tickets informados pela Blip
value-check_name-identities = clientes cuja identidade a Blip ainda informa
value-check_name-counted = avaliações contadas pela Blip
value-check_name-read = tickets com mensagens
value-check_name-closed = encerrados no relatório da Blip
value-check_name-volume = o usual do dia da semana
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
kpi-range = valores: { $range }
kpi-n = { $n ->
    [one] 1 observação
   *[other] { $count } observações
}
kpi-no-comparison = sem comparação
kpi-versus = vs. { $previous }
kpi-unchanged = sem mudança
kpi-target = meta { $bound } { $target }
kpi-target-met = meta { $bound } { $target }: atingida
kpi-target-missed = meta { $bound } { $target }: não atingida
kpi-year = há um ano: { $value }
kpi-points = { $points } p.p.
table-range = { $min } – { $max }
table-continued = { $group } (continuação)
table-few = poucas avaliações
table-empty = Sem dados no período.

finding-good = Melhora
finding-bad = Atenção
finding-note = Nota
finding-nothing = Nada fora do esperado: nenhuma meta perdida, nenhuma mudança notável, nenhum dia incomum.
finding-target-missed = { $figure } fora da meta: { $value }, para uma meta de { $bound } { $target }.
finding-worst-sector = { $sector } é o setor que menos cumpriu uma meta: { $metric } dentro da meta em { $share } de { $n } casos.
finding-satisfaction = Clientes de { $sector } estão menos satisfeitos que os demais: { $share } de { $n } avaliações, contra { $overall } no conjunto.
finding-nps = Clientes de { $sector } recomendam menos que os demais: NPS { $share } de { $n } avaliações, contra { $overall } no conjunto.
finding-rose = { $figure } subiu { $amount }: de { $from } para { $to }.
finding-fell = { $figure } caiu { $amount }: de { $from } para { $to }.
finding-waiting = { $n ->
    [one] 1 conversa esperava a primeira resposta havia dois dias ou mais no fim do período, desde { $oldest }.
   *[other] { $count } conversas esperavam a primeira resposta havia dois dias ou mais no fim do período, a mais antiga desde { $oldest }.
}
finding-unusual-day = Dia incomum: { $day } ({ $weekday }) teve { $value } conversas; o usual para o dia da semana é { $usual }.
finding-volume-more = Mais movimento: { $to } conversas, { $amount } acima das { $from } do período anterior.
finding-volume-less = Menos movimento: { $to } conversas, { $amount } abaixo das { $from } do período anterior.
table-others = { $n ->
    [one] 1 outro
   *[other] { $count } outros
}
table-missed = fora da meta
chart-beside = { $n ->
    [one] e mais 1, na tabela
   *[other] e mais { $count }, nas tabelas
}
title-parity_counts = encerramentos
title-parity_times = tempos médios
note-parity_counts = Pelas definições da Blip, nos dias da Blip (cortados em UTC−3). O painel da Blip conta como perdido ou abandonado também o que fechou por inatividade, conforme o ticket tivesse ou não um atendente; a outra leitura vai por alguém ter assumido. A leitura que a Blip não segue aparece como “outra definição”.
note-parity_times = A Blip publicou duas definições da espera (até a primeira resposta, ou até o fim onde ninguém respondeu; ou só dos respondidos) e duas do atendimento (desde assumir ou desde a primeira resposta). A que ela não segue aparece como “outra definição”. O tempo de resposta aqui é a média simples do que a Blip envia em cada ticket. Diferenças de até um segundo são arredondamento.

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
pdf-origin = Origem dos números e aprovação
pdf-signature = Data e assinatura
pdf-link = { $figure }: ver { $part }
chart-highest = maior valor
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
about-content = Impressão digital do conteúdo (SHA-256)
about-verify = Para conferir
about-rows = Linhas por trás de cada número
about-published = Publicada em
about-loaded-until = Dados carregados até
about-completeness = Completude
about-days = Dias carregados
about-stored = Tickets armazenados
about-closed_reported = Encerrados segundo a Blip
about-closed_stored = Encerrados aqui, nos mesmos dias
about-open = Tickets ainda em aberto
about-quarantined = Registros em quarentena
about-notes = Observações
about-definitions = Definições
about-queries = Consultas (SHA-256)
about-value = { $value } de { $total }
summary-contents = Conteúdo
summary-name = Indicador
summary-figure = Indicador
summary-value = Valor
summary-previous = Período anterior
summary-change = Variação
summary-year = Um ano antes
summary-target = Meta
summary-n = n
summary-detail = Mediana e p90

complete-lacking =
    { $n ->
        [one] Incompleto: os relatórios da própria Blip têm um ticket encerrado que não está aqui.
       *[other] Incompleto: os relatórios da própria Blip têm { $count } tickets encerrados que não estão aqui.
    } Os números estão abaixo do real.
complete-closed = Período fechado: todos os { $days } dias carregados, nenhuma conversa em aberto.
complete-closed-by-time = Período fechado, porque terminou há { $after } dias ou mais. { $reasons } O que mudar ainda aparece como retificação.
complete-provisional = Provisório: { $reasons } Os números ainda podem mudar; o período fecha o mais tardar em { $by }.
complete-incomplete = Incompleto: só { $loaded } de { $days } dias carregados. Os números estão abaixo do real.
complete-kinds = Lidos: tickets de { $tickets } de { $days } dias, respostas à pesquisa de { $answers } de { $days } dias.
complete-partly-imported = Incompleto: { $loaded } de { $days } dias carregados da Blip e { $imported } tirados de arquivo importado ({ $files }). Os números estão abaixo do real.
complete-closed-imported = Período fechado: nenhum dia falta, nenhuma conversa em aberto.
complete-imported = Vêm de arquivo importado, sem conferência com a Blip: { $imported } de { $days } dias ({ $files }).
import-files-more = { $n ->
    [one] { $files } e mais 1 arquivo
   *[other] { $files } e mais { $count } arquivos
}
import-files-unknown = arquivo sem nome guardado
reason-open = { $n ->
    [one] 1 conversa do período ainda está em aberto.
   *[other] { $count } conversas do período ainda estão em aberto.
}
reason-late = Avaliações ainda podem chegar até { $until }.
reason-messages = { $n ->
    [one] Faltam as mensagens de 1 ticket.
   *[other] Faltam as mensagens de { $count } tickets.
}
note-messages-gone = { $n ->
    [one] As mensagens de 1 ticket do período não estão armazenadas.
   *[other] As mensagens de { $count } tickets do período não estão armazenadas.
}
note-messages-figures = O tempo médio de resposta e a resolução em um contato contam só os tickets com mensagens; clientes atendidos conta, nos demais, só a primeira resposta. Os outros números do período não dependem de mensagens.
note-messages-mean = { $n ->
    [one] A Blip informa o tempo médio de resposta de 1 desses tickets: { $mean }. É uma média por ticket e não entra no tempo médio de resposta.
   *[other] A Blip informa o tempo médio de resposta de { $count } desses tickets, em média { $mean }. É uma média por ticket e não entra no tempo médio de resposta.
}
note-quarantined = { $n ->
    [one] 1 registro da Blip não pôde ser interpretado e ficou fora dos números.
   *[other] { $count } registros da Blip não puderam ser interpretados e ficaram fora dos números.
}
note-check = Verificação: { $n } { $message }.
check-answers_are_fewer_than_closes = resposta(s) à pesquisa além do número de tickets encerrados
check-most_answers_belong_to_a_conversation = resposta(s) à pesquisa não pertencem a nenhuma conversa, mais do que as que pertencem: a satisfação por setor e atendente não as inclui
check-waits_are_shorter_than_a_month = espera(s) de mais de um mês: ticket esquecido, ou relógios que discordam
check-everything_reported_is_stored = dia(s) em que a Blip informou mais registros do que os armazenados
check-tickets_open_before_they_are_created = ticket(s) assumido(s) ou encerrado(s) antes de criado(s), fora da espera na fila ou da resolução
note-restated = { $n ->
    [one] 1 número já publicado mudou desde a publicação: veja “Retificações”.
   *[other] { $count } números já publicados mudaram desde a publicação: veja “Retificações”.
}
restated-title = Retificações
restated-note = Números de relatórios já emitidos que hoje sairiam diferentes.
restated-heading = { $period }, emitido em { $day }
col-restated_publication = Publicação
col-restated_figure = Indicador
col-restated_before = Publicado
col-restated_now = Agora
col-restated_cause = Por quê
cause-rules = regras, configuração ou consultas mudaram
cause-answers-late = { $n ->
    [one] 1 resposta à pesquisa chegou depois
   *[other] { $count } respostas à pesquisa chegaram depois
}
cause-answers-imported = { $n ->
    [one] 1 resposta importada de arquivo
   *[other] { $count } respostas importadas de arquivo
}
cause-answers-changed = { $n ->
    [one] 1 resposta alterada
   *[other] { $count } respostas alteradas
}
cause-tickets-late = { $n ->
    [one] 1 ticket chegou depois
   *[other] { $count } tickets chegaram depois
}
cause-tickets-imported = { $n ->
    [one] 1 ticket importado de arquivo
   *[other] { $count } tickets importados de arquivo
}
cause-tickets-changed = { $n ->
    [one] 1 ticket mudou na Blip
   *[other] { $count } tickets mudaram na Blip
}
cause-tickets-removed = { $n ->
    [one] 1 ticket deixou de contar
   *[other] { $count } tickets deixaram de contar
}
cause-conversations-changed = { $n ->
    [one] 1 conversa recebeu mensagens ou retornos depois
   *[other] { $count } conversas receberam mensagens ou retornos depois
}
cause-unknown = o retrato dos dados de então não é mais guardado
note-touch = A soma das conversas por setor pode passar do total: uma conversa transferida conta em cada setor por onde passou.
note-satisfaction-none = A satisfação não está configurada: as avaliações não são lidas.

source-events = eventos registrados pelo fluxo da Blip
source-rating = nota do ticket
source-import = arquivos exportados da Blip
source-none = não configurada

M1-name = Tickets
M1-text = Tickets criados no período. Uma transferência encerra um ticket e abre outro: uma conversa pode ter vários. Conta-se o identificador da Blip, não o número que as pessoas veem, que pode se repetir.
M1-anchor = criação do ticket
M1-null = nunca: sem tickets é 0
M2-name = Conversas
M2-text = Atendimentos de ponta a ponta: os tickets ligados por transferências contam uma vez só. Por setor, a conversa conta em cada setor por onde passou; a soma pode passar do total.
M2-anchor = início da conversa
M2-null = nunca: sem conversas é 0
M3-name = Clientes atendidos
M3-text = Clientes diferentes que receberam no período a primeira resposta de uma pessoa, ou uma resposta enquanto esperavam; outra mensagem do atendente, sozinha, não conta. O mesmo cliente em dois canais conta duas vezes: a Blip não os liga. Quem escreve com outra grafia, por outro túnel ou com o identificador do WhatsApp ligado ao telefone é um cliente só. Um visitante do chat da web é um cliente novo a cada 30 dias.
M3-anchor = resposta
M3-null = nunca: ninguém é 0
M4-name = Encerrados
M4-text = Tickets encerrados no período, por desfecho: atendido, abandonado, perdido ou inatividade. Transferências aparecem à parte: não são encerramentos.
M4-anchor = encerramento do ticket
M4-null = nunca: sem encerramentos é 0
M5-name = Em aberto
M5-text = Tickets criados até um instante e ainda não encerrados nele, calculados para o fim do dia, não fotografados à noite. Aberto no início + criados − encerrados = aberto no fim.
M5-anchor = instante: fim do último dia carregado do período
M5-null = nunca: nada em aberto é 0
M6-name = Espera na fila
M6-text = Da entrada na fila até um atendente assumir o ticket. O ticket nascido de uma transferência começa na própria entrada. Esperas negativas (relógios trocados) ficam fora e são contadas.
M6-anchor = início da conversa
M6-null = ticket nunca assumido, ou espera negativa
M7-name = 1ª resposta após assumir
M7-text = Do momento em que o atendente assume até a sua primeira resposta. Não inclui a espera na fila. Uma resposta anterior a assumir conta 0.
M7-anchor = início da conversa
M7-null = sem resposta, ou nunca assumido
M8-name = Espera até a 1ª resposta
M8-text = Do início da conversa até a primeira resposta de uma pessoa, fila e transferências incluídas. Por setor: o que respondeu primeiro. Conversas iniciadas pela organização não vêm marcadas e contam como as demais.
M8-anchor = início da conversa
M8-null = nunca respondida
M9-name = Tempo médio de resposta
M9-text = Depois da primeira resposta: da primeira mensagem do cliente ainda sem resposta até a resposta seguinte de uma pessoa. Soma dos segundos dividida pelo número de respostas. Por setor contam só os segundos em que a conversa estava com ele; no total, a espera inteira do cliente. Robôs não contam como pessoas. Onde as mensagens de um ticket não estão armazenadas, a média por ticket que a Blip informa aparece em linha própria, com o seu n.
M9-anchor = início da conversa
M9-null = nenhuma resposta depois da primeira; esperas ainda pendentes ou sem resposta são contadas à parte
M10-name = Tempo de atendimento
M10-text = De assumir até encerrar o ticket. Inclui o tempo parado. A Blip publica dois inícios, assumir e primeira resposta: a conferência mostra os dois.
M10-anchor = encerramento do ticket
M10-null = nunca assumido, ou ainda aberto
M11-name = Tempo de resolução
M11-text = Do início da conversa até o último encerramento; o primeiro, quando houve transferência, não tem tempo próprio. Com retornos: até o fim da última conversa do mesmo cliente no mesmo setor que começou em até 7 dias do fim da anterior.
M11-anchor = fim da conversa
M11-null = ainda em aberto, ou tempo negativo; com retornos, enquanto um retorno estiver em aberto
M12-name = Perdidos na fila
M12-text = Tickets que o cliente encerrou antes de alguém assumir, sobre os tickets criados. Saídas em poucos segundos (limite configurado) são contadas também à parte. O painel da Blip conta como perdido também o que fechou por inatividade sem atendente.
M12-anchor = criação do ticket
M12-null = nenhum ticket criado
M13-name = Abandonados
M13-text = Tickets que o cliente encerrou depois de alguém assumir, sobre os tickets criados. À parte, os que saíram sem nenhuma resposta. Encerramentos por inatividade não são abandono; o painel da Blip os conta como tal quando o ticket tinha atendente.
M13-anchor = criação do ticket
M13-null = nenhum ticket criado
M14-name = Sem resposta
M14-text = Conversas em aberto no fim do período e ainda sem nenhuma resposta de uma pessoa, de qualquer início, por idade. Se o período ainda não terminou, a idade vai até o fim do que está carregado. Por setor: onde a conversa estava naquele momento, mesmo que tenha sido transferida depois.
M14-anchor = instante: fim do período
M14-null = nunca: nenhuma é 0
M15-name = Transferências
M15-text = Conversas que mudaram de setor, sobre as conversas. Entre atendentes do mesmo setor não é mudança; sair de “sem roteamento” para um setor é. A média conta toda transferência. Das conversas encerradas, pelo fim, as colunas têm nomes próprios (“das encerradas”).
M15-anchor = início da conversa
M15-null = nenhuma conversa
M16-name = Retorno
M16-text = Conversas terminadas às quais se seguiu, em até 24 horas ou 7 dias (inclusive), outra do mesmo cliente que começa no setor em que aquela terminou. Um visitante do chat da web é um cliente novo a cada 30 dias: uma volta depois disso não é vista.
M16-anchor = fim da conversa
M16-null = nenhuma conversa terminada
M17-name = Resolvidas em um contato
M17-text = Conversas terminadas com um só ticket e uma só resposta de uma pessoa, sobre as terminadas com alguma mensagem armazenada entre o início e o fim: uma perdida na fila conta se o cliente escreveu enquanto esperava.
M17-anchor = fim da conversa
M17-null = nenhuma conversa terminada com mensagens armazenadas
M18-name = Satisfação (CSAT)
M18-text = Avaliações a partir da nota { $cut } sobre todas as avaliações válidas, na escala { $scale }. Conta a última avaliação válida de cada conversa, no dia em que a conversa terminou. Respostas sem nota, ou com nota entre dois valores da escala, ficam fora e são contadas à parte; o que o fluxo registra no lugar de uma resposta, como “Outro”, e o 0 onde a escala começa em 1 contam como sem resposta. Escalas nunca se misturam. Fonte: { $source }.
M18-anchor = fim da conversa
M18-null = nenhuma avaliação válida, ou escala de 0 a 10
M19-name = Nota média
M19-text = Média das avaliações válidas, na própria escala ({ $scale }).
M19-anchor = fim da conversa
M19-null = nenhuma avaliação válida
M20-name = NPS
M20-text = Percentual de notas 9 e 10 menos percentual de notas 0 a 6, só na escala de 0 a 10; de −100 a 100. Com menos de 30 avaliações leva a marca de poucas; os limites dizem entre quais valores pode estar.
M20-anchor = fim da conversa
M20-null = nenhuma avaliação válida, ou escala de 1 a 5
M21-name = Taxa de resposta da pesquisa
M21-text = Avaliações das conversas com pesquisa sobre as pesquisas enviadas, onde os envios aparecem nas mensagens. Caso contrário, avaliações válidas sobre tickets encerrados (sem transferências). Pode passar de 100% em um setor quando a avaliação cita outro; é mostrada assim, sem marca.
M21-anchor = encerramento
M21-null = nada encerrado e nenhuma pesquisa enviada
M22-name = Margem da satisfação
M22-text = Intervalo de Wilson de 95%: com poucas avaliações o percentual verdadeiro pode estar em qualquer ponto dele. O do NPS é o de Wald com três respostas a mais, metade delas neutras (Rocks, 2016). Menos de 30 avaliações não entram na classificação.
M22-anchor = fim da conversa
M22-null = como a satisfação
M23-name = Cumprimento de metas
M23-text = Casos dentro da meta sobre casos dentro mais fora dela, pela meta em vigor quando o relógio começou. Em aberto e já além da meta conta como fora; os demais em aberto ficam à parte. Atendimento e resolução em aberto contam no período em que começaram, até terminarem.
M23-anchor = a da medida
M23-null = nenhuma meta, ou nenhum caso decidido
M24-name = Em horário de atendimento
M24-text = Os mesmos tempos contando só os segundos dentro do horário do setor que estava com a conversa, sem intervalos e feriados. Inteiramente fora do horário conta 0 e é indicado.
M24-anchor = a da medida
M24-null = como a medida, ou nenhum horário configurado
M25-name = Mediana e p90
M25-text = Metade dos casos ficou abaixo da mediana; 90% ficaram abaixo do p90. Calculados linha a linha, com interpolação linear (como MED e PERCENTIL.INC no Excel). Com menos de 10 casos, mostra-se o menor e o maior valor, também nos indicadores; o JSON e o Parquet trazem o percentil de qualquer número de casos, arredondado a um décimo de segundo.
M25-anchor = a da medida
M25-null = nenhum caso
M26-name = Qualidade do roteamento
M26-text = Tickets que nenhuma regra de roteamento reconheceu e tickets cujo setor não se pode determinar, sobre os tickets criados. Medem o roteamento; não são um setor.
M26-anchor = criação do ticket
M26-null = nenhum ticket criado
M27-name = Carga por hora
M27-text = Conversas iniciadas em cada hora, divididas pelo número de vezes que o dia da semana ocorreu no período.
M27-anchor = início da conversa
M27-null = hora sem conversas
M28-name = Completude
M28-text = Dias lidos por inteiro depois de terminados, sobre os dias do período; tickets encerrados que estão armazenados, ao lado dos que o relatório diário da própria Blip conta; tickets cujas mensagens faltam.
M28-anchor = dia da criação
M28-null = nunca

mail-incomplete = Dados incompletos
mail-provisional = Provisório
mail-figures = Indicadores
mail-attached = Anexos
mail-elsewhere = Arquivos grandes demais para o e-mail
mail-restated = Números já publicados que mudaram: { $period } (publicado em { $published })
mail-origin = Retrato { $snapshot }, de { $time }. Todo número pode ser refeito a partir dele.
mail-automatic = Enviado automaticamente pelo agendamento “{ $schedule }”.
mail-owner = Enviado automaticamente pelo agendamento “{ $schedule }”. Dúvidas: { $owner }.

notice-failed = Relatório não enviado: { $schedule }
notice-partial = Relatório enviado só em parte: { $schedule }
notice-maybe = Não se sabe se um e-mail chegou: { $schedule }
notice-held = Relatório enviado sem esperar mais pelos dados: { $schedule }
run-not-over = pelo relógio da Blip o período ainda não terminou: a carga mais recente é de { $heard }
notice-missed = Relatório perdido: { $schedule }
notice-late = Relatório atrasado: { $schedule }
notice-run = Relatório { $report }, período { $period }, previsto para { $planned }.
notice-cause = Causa: { $cause }
notice-remedy-failed = O que fazer: corrija a causa e rode `relato schedule run { $schedule } --for { $instant } --send --again`.
notice-remedy-maybe = O servidor pode ter aceitado a mensagem antes da interrupção; ela não será repetida sozinha. Pergunte a { $recipient } e, se não chegou, rode `relato schedule run { $schedule } --for { $instant } --send --again`.
notice-remedy-held = O período não fechou dentro do prazo de espera: o relatório saiu com aviso. `relato status` diz o que falta.
notice-remedy-missed = Ninguém o recebeu, porque o programa não estava rodando na hora e o agendamento diz para não recuperar. Se for preciso: `relato schedule run { $schedule } --for { $instant } --send`.
notice-remedy-late = Deveria ter saído até { $due } e ainda está em andamento. `relato schedule history` diz em que ponto está.
notice-recipients = Sem receber: { $recipients }.
notice-load = A carga de dados da Blip falhou
notice-clock = O relógio do servidor mudou
notice-remedy-clock = Confira o relógio do servidor e o serviço que o acerta. Nada sai antes de o período terminar pelo relógio da Blip.
notice-warnings = A carga terminou com avisos
notice-remedy-warnings = Veja o que cada aviso pede; `relato status` mostra como está a carga.
notice-remedy-load = A próxima carga tenta de novo. `relato check` diz o que a Blip responde; `relato status`, o que falta. Enquanto isso, relatórios saem com os dados que há, ou esperam, conforme o agendamento.

answer-cover = Consulta
answer-title = Consulta
answer-query = Consulta salva
answer-own = SQL própria
answer-parameters = Parâmetros
answer-who = Quem perguntou
answer-when = Quando
answer-reason = Motivo
answer-rows = Linhas
answer-sha256 = SHA-256 da consulta
answer-sql = SQL

subject-title = O que guardamos sobre você
subject-of = { $identity } · { $organization } · em { $time }
subject-intro = Não guardamos o texto das mensagens, nem nome, telefone ou endereço: apenas um código no lugar da sua identidade, os horários do atendimento, quem atendeu e as respostas à pesquisa. Este documento foi feito a partir da identidade que você informou.
subject-conversations = Conversas: início, canal, setores
subject-tickets = Tickets: entrada, número, setor, desfecho, atendente
subject-messages = Mensagens: somente o horário e o sentido
subject-received = enviada por você
subject-sent = enviada a você
subject-answers = Respostas à pesquisa de satisfação

# O que resta fazer à mão no portal da Blip.
portal-contract = Portal da Blip → nome do contrato → Membros
portal-contract-none = Remover do contrato (ou cancelar o convite)
portal-contract-guest = Convidar, ou conferir, com a permissão "Pode visualizar"
portal-contract-member = Convidar, ou conferir, com a permissão "Pode editar"
portal-contract-admin = Convidar, ou conferir, com a permissão "Admin"
portal-bot = Portal da Blip → bot → Configurações → Equipe
portal-bot-none = Remover da equipe do bot
portal-bot-desk-view = Conferir: leitura em tudo do Desk e em Análise; nada além disso
portal-bot-view = Conferir: leitura em tudo, menos Equipe
portal-bot-edit = Conferir: leitura e escrita em tudo, menos Equipe
portal-bot-admin = Conferir: leitura e escrita em tudo, Equipe inclusive
portal-bot-exact = Conferir as permissões: { $permissions }
portal-attendants = Portal da Blip → bot → Atendimento → Atendentes
portal-attendants-none = Remover da lista de atendentes
portal-attendants-set = Deixar nas filas: { $queues }
portal-queues = Portal da Blip → bot → Atendimento → Filas
portal-queues-none = Excluir a fila, depois de ver que ninguém espera nela
portal-queues-active = Criar a fila, ou ativá-la
portal-queues-inactive = Desativar a fila
portal-entry = Portal da Blip → bot → Configurações → Configurações avançadas
portal-entry-none = Domínio { $owner }: excluir a chave { $key }
portal-entry-set = Domínio { $owner }: chave { $key } com o valor { $value }
portal-entry-secret = Domínio { $owner }: chave { $key } com o segredo que está em { $place }
notice-drift = A equipe ou os canais na Blip diferem do que está declarado
notice-remedy-drift = `relato team plan` e `relato channel plan` mostram cada diferença e preparam a correção; se a mudança na Blip é a certa, corrija o arquivo.

col-health = Situação
col-last_local = Última conversa
col-silent_hours = Horas em silêncio
col-usual = Usual nessas horas
col-missing = Falta ou está desligado
value-misconfigured = mal configurado
value-silent = em silêncio
value-connected = conectado
value-receiving = recebendo
